"""Scores that class activation explains, by the task of a model."""

import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from vitae_mm.errors import InputError

Target = Callable[[Tensor], Tensor]
"""What a network puts out for an image -> the score."""


class Scores(nn.Module):
    """A model of which only the maps are looked at: it has no score.

    Attributes:
        explains: Whether there is a score, with a gradient.
    """

    explains = False

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> object:
        """Images (B, C, H, W), after the preprocessor -> what it puts out."""
        return self.model.extract_feat(images)

    def choose(
        self, output: object, inside: tuple[float, float], category: int | None
    ) -> tuple[Target | None, str]:
        """The score of a class.

        Args:
            output: Of :meth:`forward`, for one image.
            inside: The share of its height and of its width that is no padding.
            category: Its number. Defaults to the likeliest one.

        Returns:
            The score, None if there is none, and how it is called.

        Raises:
            InputError: If there is no such class.
        """
        if category is not None:
            raise InputError(
                f'category {category}: no score of a class of '
                f'{type(self.model).__name__} is explained, by this method or by any; '
                'leave it out.'
            )
        return None, ''

    def _check(self, category: int, count: int) -> None:
        if not 0 <= category < count:
            raise InputError(
                f'category {category}: {type(self.model).__name__} has {count} '
                f'classes; give a number from 0 to {count - 1}.'
            )

    def _name(self, category: int) -> str:
        names: Sequence[str] = self.model.dataset_meta.get('classes') or ()
        return names[category] if category < len(names) else f'class {category}'


class ClassScores(Scores):
    """A classifier: the logit of a class."""

    explains = True

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> logits, (B, classes)."""
        return self.model(images, mode='tensor')

    def choose(
        self, output: Tensor, inside: tuple[float, float], category: int | None
    ) -> tuple[Target, str]:
        shares = output[0].softmax(0)
        best = int(shares.argmax())
        category = best if category is None else category
        self._check(category, len(shares))
        captions = [f'{self._name(i)} {shares[i]:.2f}' for i in (category, best)]
        caption = captions[0] if category == best else f'{captions[0]}, predicted {captions[1]}'
        return lambda logits: logits[category], caption


class PixelScores(Scores):
    """A segmentor: the sum of the logits of a class over the pixels that are
    given to it, at the size that its head puts out."""

    explains = True

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> logits, (B, classes, H', W')."""
        return self.model(images, mode='tensor')

    def choose(
        self, output: Tensor, inside: tuple[float, float], category: int | None
    ) -> tuple[Target, str]:
        rows, cols = (math.ceil(share * side) for share, side in zip(inside, output.shape[2:]))
        labels = output[0, :, :rows, :cols].argmax(0)
        counts = labels.flatten().bincount(minlength=output.shape[1])
        category = int(counts.argmax()) if category is None else category
        self._check(category, len(counts))
        if not counts[category]:
            found = ', '.join(f'{i} ({self._name(i)})' for i in counts.nonzero().flatten().tolist())
            raise InputError(
                f'category {category}: no pixel is predicted as '
                f'{self._name(category)}; give one that is: {found}.'
            )
        chosen = labels == category
        share = f'{chosen.float().mean():.0%} of the pixels'
        caption = f'{self._name(category)} {share}'
        return lambda logits: logits[category, :rows, :cols][chosen].sum(), caption


def build_scores(model: nn.Module, scope: str) -> Scores:
    """The score of a model of a codebase."""
    if scope == 'mmpretrain':
        from mmpretrain.models import BaseClassifier  # one codebase is enough

        if isinstance(model, BaseClassifier) and model.with_head:
            return ClassScores(model)
    if scope == 'mmseg':
        return PixelScores(model)
    return Scores(model)
