"""Safe reading for everything that mmengine loads."""
from mmengine.runner import CheckpointLoader

from .files import read_checkpoint


def use_safe_reader() -> None:
    """Makes mmengine read local checkpoints with :func:`read_checkpoint`.

    Its own reader falls back to unpickling anything where a file holds more
    than weights.
    """
    CheckpointLoader.register_scheme('', loader=load_from_safe, force=True)


def load_from_safe(filename: str, map_location: object = None) -> object:
    return read_checkpoint(filename, map_location)
