"""Safe reading for everything that mmengine loads."""

from functools import partial

from mmengine.runner import CheckpointLoader

from .files import read_checkpoint


def use_safe_reader(trust: bool = False) -> None:
    """Makes mmengine read checkpoints with :func:`read_checkpoint`.

    Its own reader falls back to unpickling anything where a file holds more
    than weights.

    Args:
        trust: Unpickle anything after all. Defaults to False.
    """
    reader = partial(read_checkpoint, trust=trust)
    # mmengine logs the name of a loader from its eleventh letter on
    reader.__name__ = 'load_from_safe_reader'
    CheckpointLoader.register_scheme(('', 'http://', 'https://'), loader=reader, force=True)
