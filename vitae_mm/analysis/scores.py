"""Scores that class activation explains: logits of classifiers and segmentors."""

import math
from collections.abc import Callable, Sequence
from functools import partial

from mmengine.model import BaseModel
from torch import Tensor

from vitae_mm.errors import InputError

Target = Callable[[Tensor], Tensor]
"""Maps a network's logits for one image to the score."""

ScoreChoice = Callable[[Tensor, Sequence[float], int | None], tuple[Target, str]]
"""Chooses a score, as :func:`class_score` and :func:`pixel_score` do for a model."""


def find_score(model: BaseModel) -> ScoreChoice | None:
    """Returns the function that chooses the score of a model, which has its config as ``cfg``;
    None if the model has no score with a gradient."""
    if model.cfg.default_scope == 'mmpretrain':
        from mmpretrain.models import BaseClassifier  # other codebases work without it

        if isinstance(model, BaseClassifier) and model.with_head:
            return partial(class_score, model)
    return partial(pixel_score, model) if model.cfg.default_scope == 'mmseg' else None


def class_score(
    model: BaseModel, logits: Tensor, inside: Sequence[float], category: int | None
) -> tuple[Target, str]:
    """Returns the logit of a class of a classifier, and a caption.

    Arguments and errors are those of :func:`pixel_score`, except that the logits are (1, classes)
    and the category defaults to the most probable class.
    """
    probabilities = logits[0].softmax(0)
    best = int(probabilities.argmax())
    category = best if category is None else category
    wanted, predicted = (
        f'{class_name(model, i, len(probabilities))} {probabilities[i]:.2f}'
        for i in (category, best)
    )
    caption = wanted if category == best else f'{wanted}, predicted {predicted}'
    return lambda logits: logits[category], caption


def pixel_score(
    model: BaseModel, logits: Tensor, inside: Sequence[float], category: int | None
) -> tuple[Target, str]:
    """Returns the sum of a class's logits over the pixels that a segmentor predicts as this class.

    Args:
        model: The segmentor.
        logits: Logits of one image, (1, classes, H', W').
        inside: Fractions of the height and the width that are not padding.
        category: Index of the class. Defaults to the class with the most pixels.

    Returns:
        The score and its caption.

    Raises:
        InputError: If there is no such class, or no pixel is predicted as this class.
    """
    rows, columns = (math.ceil(inside[i] * logits.shape[2 + i]) for i in (0, 1))
    labels = logits[0, :, :rows, :columns].argmax(0)
    counts = labels.flatten().bincount(minlength=logits.shape[1]).tolist()
    category = counts.index(max(counts)) if category is None else category
    names = [class_name(model, i, len(counts)) for i in (category, *range(len(counts)))]
    if not counts[category]:
        found = [f'{i} ({name})' for i, name in enumerate(names[1:]) if counts[i]]
        raise InputError(
            f'category {category}: no pixel is predicted as {names[0]}; give one of '
            f'{", ".join(found)}.'
        )
    chosen = labels == category
    caption = f'{names[0]} {chosen.float().mean():.0%} of the pixels'
    return lambda logits: logits[category, :rows, :columns][chosen].sum(), caption


def class_name(model: BaseModel, category: int, count: int) -> str:
    """Returns the name of a class of the model; raises InputError if there is no such class."""
    if not 0 <= category < count:
        raise InputError(
            f'category {category}: {type(model).__name__} has {count} classes; give a number from '
            f'0 to {count - 1}.'
        )
    names = model.dataset_meta.get('classes') or ()
    return names[category] if category < len(names) else f'class {category}'
