"""Why a case could not be measured."""

from vitae_mm.errors import InputError, describe_error

INSUFFICIENT_MEMORY = 'insufficient memory'

WIDTH = 50
"""Width of a short reason, in characters."""


class WorkerError(RuntimeError):
    """A process failed; the message says why."""


def explain(error: Exception) -> str:
    """Returns the reason why something failed, in one line of any length."""
    if isinstance(error, WorkerError):
        return str(error)
    if isinstance(error, InputError):
        return ' '.join(str(error).split())
    # PyTorch has a class of its own for GPUs, and none for CPUs
    out_of_memory = type(error).__name__ in ('MemoryError', 'OutOfMemoryError')
    if out_of_memory or 'DefaultCPUAllocator' in str(error):
        return f'{INSUFFICIENT_MEMORY} ({describe_error(error)})'
    return describe_error(error)


def lacks_memory(reason: str) -> bool:
    """Whether a reason is a lack of memory."""
    return reason.startswith(INSUFFICIENT_MEMORY)


def shorten(reason: str) -> str:
    """Returns a reason that fits into a table."""
    if lacks_memory(reason):
        return INSUFFICIENT_MEMORY
    return reason if len(reason) <= WIDTH else f'{reason[: WIDTH - 3]}...'
