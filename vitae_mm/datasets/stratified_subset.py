"""A subset of a classification dataset, repeated to the length of the whole dataset."""

from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset, RepeatDataset, force_full_init

from vitae_mm.errors import InputError
from vitae_mm.registry import DATASETS

MAX_SEED = 2**32 - 1


@DATASETS.register_module()
class StratifiedSubset(RepeatDataset):
    """Repeats a subset with the same fraction of every class.

    By default it is as long as the whole dataset, so that recipes stay the same and training runs
    on different fractions see the same number of images. In an epoch, each of the n chosen images
    out of N appears ``floor(N/n)`` or ``ceil(N/n)`` times; the images that appear once more have
    the class proportions of the dataset.

    The choice depends only on labels, ``fraction`` and ``seed``. With the same seed, a smaller
    fraction is a subset of a larger one. ``fraction=1`` is the dataset itself, in its order.

    Args:
        dataset: A dataset, or its config, of images with one class each.
        fraction: Fraction of each class, in (0, 1]; rounded to whole images, at least one.
        seed: Different seeds choose different images. Default: 0.
        keep_length: Repeat images up to the length of the whole dataset; otherwise an epoch
            contains each chosen image once. Default: True.
        lazy_init: Load the annotations only when they are first needed. Default: False.

    Raises:
        InputError: If ``fraction`` or ``seed`` is out of range, or an image does not have exactly
            one class.
    """

    def __init__(
        self,
        dataset: BaseDataset | dict,
        fraction: float,
        seed: int = 0,
        keep_length: bool = True,
        lazy_init: bool = False,
    ) -> None:
        check_options(fraction, seed)
        if not isinstance(dataset, (BaseDataset, dict)):
            raise InputError(
                f'StratifiedSubset: dataset is a {type(dataset).__name__}: give a config (a dict) '
                'or a BaseDataset.'
            )
        self.fraction = fraction
        self.seed = seed
        self.keep_length = keep_length
        super().__init__(dataset, times=1, lazy_init=lazy_init)

    @property
    def metainfo(self) -> dict:
        """Meta information of the whole dataset."""
        return self.dataset.metainfo  # some datasets know their classes only once they are loaded

    def full_init(self) -> None:
        """Loads the annotations and chooses the images."""
        if self._fully_initialized:
            return
        self.dataset.full_init()
        labels = _labels(self.dataset)
        chosen = _choose(labels, self.fraction, self.seed)
        # whole rounds, then the start of another
        rounds, rest = divmod(len(labels) if self.keep_length else len(chosen), len(chosen))
        self._indices = np.concatenate([np.tile(np.sort(chosen), rounds), chosen[:rest]])
        super().full_init()

    @force_full_init
    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the class of an image."""
        return self.dataset.get_cat_ids(self._get_ori_dataset_idx(idx))

    @force_full_init
    def _get_ori_dataset_idx(self, idx: int) -> int:
        return int(self._indices[idx])

    @force_full_init
    def __len__(self) -> int:
        return len(self._indices)


def check_options(fraction: Any, seed: object = 0) -> None:
    """Checks the options of a :class:`StratifiedSubset`.

    Raises:
        InputError: If ``fraction`` is not a number in (0, 1], or ``seed`` is not an integer from
            0 to 2**32 - 1.
    """
    number = isinstance(fraction, (int, float, np.number)) and not isinstance(fraction, bool)
    if not number or not 0 < fraction <= 1:
        raise InputError(
            f'StratifiedSubset: fraction={fraction!r}: give a number above 0 and up to 1, such as '
            '.1 for a tenth of each class.'
        )
    if type(seed) is not int or not 0 <= seed <= MAX_SEED:
        raise InputError(f'StratifiedSubset: seed={seed!r}: give an integer from 0 to {MAX_SEED}.')


def _labels(dataset: BaseDataset) -> np.ndarray:
    """The class of each image, (N,)."""
    try:
        labels = [dataset.get_cat_ids(index) for index in range(len(dataset))]
    except (AttributeError, KeyError, NotImplementedError) as error:
        raise InputError(
            f'StratifiedSubset: {type(dataset).__name__} does not provide the classes of its '
            f'images ({error!r}): wrap a labeled classification dataset.'
        ) from error
    if not labels or any(len(classes) != 1 for classes in labels):
        raise InputError(
            f'StratifiedSubset: {type(dataset).__name__} has no images, or some without exactly '
            'one class: wrap a dataset of images with one class each.'
        )
    return np.array(labels)[:, 0]


def _choose(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Indices of the chosen images, (n,), ordered such that the first k, for any k, have about the
    class proportions of the dataset."""
    # NumPy guarantees the stream of RandomState across versions, but not that of default_rng
    random = np.random.RandomState(seed)
    by_class = np.argsort(labels, kind='stable')
    _, starts = np.unique(labels[by_class], return_index=True)
    chosen, places = [], []
    for members in np.split(by_class, starts[1:]):
        count = max(1, round(fraction * len(members)))
        chosen.append(random.permutation(members)[:count])
        places.append((np.arange(count) + 0.5) / count)
    return np.concatenate(chosen)[np.argsort(np.concatenate(places), kind='stable')]
