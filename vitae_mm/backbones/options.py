"""Checks of constructor options, made before anything is built."""

from collections.abc import Sequence

from vitae_mm.errors import InputError

ATTENTION_KINDS = ('window', 'full', 'performer')
LARGEST_PERFORMER_HEAD = 256
"""Channels of a head; with more, random features leave float32's range."""

OUT_TYPES = ('featmap', 'avg_featmap', 'cls_token')
FUSIONS = ('before_ffn', 'after_ffn')
FINAL_NORMS = ('none', 'tokens', 'pooled')


def check_choice(name: str, value: str, choices: Sequence) -> None:
    """Raises InputError unless ``value`` is one of ``choices``."""
    # True would pass for 1
    if isinstance(value, bool) or value not in choices:
        raise InputError(f'{name}={value!r}: choose from {tuple(choices)}.')


def is_count(value: object) -> bool:
    """Whether it is a whole number, 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def check_count(name: str, value: int) -> None:
    """Raises InputError unless :func:`is_count`."""
    if not is_count(value):
        raise InputError(f'{name}={value!r}: give a whole number, 1 or more.')


def check_flags(**flags: bool) -> None:
    """Raises InputError unless every value is True or False."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise InputError(f'{name}={value!r}: give True or False.')


def check_attention(
    name: str, kinds: Sequence[str], dims: Sequence[int], num_heads: Sequence[int]
) -> tuple[str, ...]:
    """One known attention kind for each stage that has such cells.

    Raises:
        InputError: For a wrong length, an unknown kind, or a Performer whose
            head dimension is odd or above :data:`LARGEST_PERFORMER_HEAD`.
    """
    if not isinstance(kinds, (list, tuple)) or len(kinds) != len(dims):
        raise InputError(
            f'{name}={kinds!r}: give one of {ATTENTION_KINDS} for each of the '
            f'{len(dims)} stages that have such cells.'
        )
    for kind, dim, heads in zip(kinds, dims, num_heads):
        if kind not in ATTENTION_KINDS:
            raise InputError(f'{name} names {kind!r}: choose from {ATTENTION_KINDS}.')
        if kind == 'performer' and dim // heads % 2:
            raise InputError(
                f'{name}: performer attention needs an even number of channels a '
                f'head, got {dim} / {heads}.'
            )
        if kind == 'performer' and dim // heads > LARGEST_PERFORMER_HEAD:
            raise InputError(
                f'{name}: performer attention takes up to {LARGEST_PERFORMER_HEAD} '
                f'channels a head, got {dim} / {heads}: give more heads.'
            )
    return tuple(kinds)


def check_drop(**rates: float) -> None:
    """Raises InputError unless every rate is in [0, 1)."""
    for name, rate in rates.items():
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise InputError(f'{name}={rate!r}: give a number in [0, 1).')


def check_img_size(img_size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width of the images.

    Raises:
        InputError: Unless given as one or two positive whole numbers.
    """
    size = (img_size, img_size) if isinstance(img_size, int) else img_size
    if (
        not isinstance(size, (list, tuple))
        or len(size) != 2
        or not all(isinstance(side, int) and side > 0 for side in size)
    ):
        raise InputError(f'img_size={img_size!r}: give one or two whole numbers of pixels.')
    return tuple(size)
