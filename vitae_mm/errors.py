"""The one exception for what a user can mend."""


class InputError(ValueError):
    """A value, file or setting given by the user cannot be used.

    The message names the value, what would be allowed, and the remedy. The
    command-line tools print it alone, without a traceback, and exit with 1.
    """
