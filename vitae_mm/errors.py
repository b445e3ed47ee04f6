"""The exception for errors in the user's input."""


class InputError(ValueError):
    """A value, file or setting given by the user cannot be used.

    The message names the value, the allowed choices and the remedy. The command-line tools print
    it without a traceback and exit with status 1.
    """
