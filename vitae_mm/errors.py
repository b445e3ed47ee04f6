"""Exceptions for errors in the user's input and in trainings, and the text of others."""


class InputError(ValueError):
    """A value, file or setting given by the user cannot be used.

    The message names the value, the allowed choices and the remedy. The command-line tools print
    it without a traceback and exit with ``exit_status``.

    Attributes:
        exit_status: Exit status of a command-line tool. Defaults to 1.
    """

    exit_status = 1


class DivergedError(InputError):
    """The losses or weights of a training are no longer finite. The exit status is 3."""

    exit_status = 3


def describe_error(error: Exception) -> str:
    """Returns type and message of any error in one line, for the message of another."""
    return ' '.join(f'{type(error).__name__}: {error}'.split()).removesuffix(':')
