import pickle
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATASETS
from mmpretrain.datasets import CIFAR10, RepeatAugSampler

from vitae_mm.datasets.stratified_subset import StratifiedSubset
from vitae_mm.errors import InputError

COUNTS = (10, 40, 3, 20)
CHOSEN = [2, 14, 36, 39, 40, 51, 65, 72]
"""A tenth with seed 0, on any machine and with any version of NumPy."""


class TinyCIFAR(CIFAR10):
    """CIFAR-10 with a single small file."""

    train_list = (('data', None),)
    test_list = ()


@pytest.fixture
def folder(tmp_path):
    """Class folders with empty image files."""
    for label, count in enumerate(COUNTS):
        (tmp_path / f'class{label}').mkdir()
        for number in range(count):
            (tmp_path / f'class{label}' / f'{number:02d}.jpg').touch()
    return tmp_path


@pytest.fixture
def config(folder):
    return dict(type='mmpretrain.CustomDataset', data_root=str(folder))


def epoch(subset):
    """The images of an epoch, as indices in the whole dataset."""
    return [subset.get_data_info(index)['sample_idx'] for index in range(len(subset))]


def shown(subset):
    """The number of chosen images of each class."""
    labels = [subset.dataset.get_cat_ids(index)[0] for index in set(epoch(subset))]
    return tuple(Counter(labels)[label] for label in range(len(COUNTS)))


@pytest.mark.parametrize(
    'fraction, expected',
    [(0.5, (5, 20, 2, 10)), (0.25, (2, 10, 1, 5)), (0.1, (1, 4, 1, 2)), (1e-9, (1, 1, 1, 1))],
)
def test_every_class_keeps_the_same_fraction(config, fraction, expected):
    assert shown(StratifiedSubset(config, fraction)) == expected


@pytest.mark.parametrize('fraction', [0.9, 0.6, 0.5, 0.25, 0.1, 0.01])
def test_an_epoch_is_as_long_as_that_of_the_whole_dataset(config, fraction):
    subset = StratifiedSubset(config, fraction)
    counts = Counter(epoch(subset))
    times, rest = divmod(sum(COUNTS), len(counts))
    assert len(subset) == len(subset.dataset) == sum(COUNTS)
    assert Counter(counts.values()) == Counter(
        {times: len(counts) - rest, times + 1: rest} if rest else {times: len(counts)}
    )


def test_images_that_appear_once_more_are_in_proportion_to_the_classes(config):
    counts = Counter(epoch(StratifiedSubset(config, 0.6)))
    more = [index for index, times in counts.items() if times == 2]
    edges = np.cumsum((0, *COUNTS))
    for share, count in zip(np.histogram(more, edges)[0], COUNTS, strict=True):
        assert abs(share - len(more) * count / sum(COUNTS)) <= 1


def test_a_fraction_of_one_is_the_dataset_itself(config):
    assert epoch(StratifiedSubset(config, 1)) == list(range(sum(COUNTS)))


def test_the_choice_depends_only_on_the_seed(config):
    np.random.seed(1)
    first = epoch(StratifiedSubset(config, 0.3, seed=5))
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert epoch(StratifiedSubset(config, 0.3, seed=5)) == first
    assert (np.random.get_state()[1] == state).all()
    assert set(epoch(StratifiedSubset(config, 0.3, seed=6))) != set(first)


def test_the_choice_never_changes(config):
    assert sorted(set(epoch(StratifiedSubset(config, 0.1)))) == CHOSEN


def test_a_smaller_fraction_is_a_subset_of_a_larger_one(config):
    chosen = [set(epoch(StratifiedSubset(config, fraction))) for fraction in (0.1, 0.2, 0.5, 1)]
    assert all(small < large for small, large in pairwise(chosen))


def test_labels_need_not_be_in_order(folder):
    labels = np.random.RandomState(0).permutation(np.repeat(np.arange(4), COUNTS))
    (folder / 'list.txt').write_text(
        '\n'.join(f'{i}.jpg {label}' for i, label in enumerate(labels))
    )
    subset = StratifiedSubset(
        dict(type='mmpretrain.ImageNet', data_root=str(folder), ann_file='list.txt'), 0.5
    )
    assert shown(subset) == (5, 20, 2, 10)
    assert len(subset.metainfo['classes']) == 1000


def test_images_pass_through_the_pipeline_of_the_dataset(tmp_path):
    (tmp_path / TinyCIFAR.base_folder).mkdir()
    images = np.random.RandomState(0).randint(256, size=(8, 3 * 32 * 32), dtype=np.uint8)
    (tmp_path / TinyCIFAR.base_folder / 'data').write_bytes(
        pickle.dumps(dict(data=images, labels=[0, 1] * 4))
    )
    subset = StratifiedSubset(
        TinyCIFAR(data_root=str(tmp_path), pipeline=[dict(type='mmpretrain.PackInputs')]), 0.5
    )
    for index, chosen in enumerate(epoch(subset)):
        assert (subset[index]['inputs'].numpy().ravel() == images[chosen]).all()
        assert subset[index]['data_samples'].gt_label.item() == subset.get_cat_ids(index)[0]


@pytest.mark.parametrize('sampler', [DefaultSampler, RepeatAugSampler])
def test_samplers_draw_the_same_indices_as_for_the_whole_dataset(config, sampler):
    subset = StratifiedSubset(config, 0.1)
    assert list(sampler(subset, seed=0)) == list(sampler(subset.dataset, seed=0))


def test_it_is_registered_and_loads_lazily(config):
    with DATASETS.switch_scope_and_registry('mmpretrain') as registry:
        subset = registry.build(
            dict(
                type='vitae_mm.StratifiedSubset',
                fraction=0.5,
                lazy_init=True,
                dataset={**config, 'type': 'CustomDataset', 'lazy_init': True},
            )
        )
    assert not subset.dataset._fully_initialized
    subset.full_init()
    assert len(subset) == sum(COUNTS)
    assert subset.metainfo['classes'] == ('class0', 'class1', 'class2', 'class3')


def test_iteration_ends(config):
    assert len(list(StratifiedSubset(config, 0.5))) == sum(COUNTS)


def test_subsets_of_it_are_rejected(config):
    subset = StratifiedSubset(config, 0.5)
    for method in (subset.get_subset, subset.get_subset_):
        with pytest.raises(NotImplementedError, match='use them in the wrapped dataset'):
            method([0])


@pytest.mark.parametrize('fraction', [0, -0.1, 1.01, float('nan'), '.1', None, True])
def test_invalid_fractions_are_rejected(config, fraction):
    with pytest.raises(InputError, match=f'fraction={fraction!r}: .*up to 1'):
        StratifiedSubset(config, fraction)


@pytest.mark.parametrize('seed', [-1, 2**32, 0.5, None])
def test_invalid_seeds_are_rejected(config, seed):
    with pytest.raises(InputError, match=f'seed={seed!r}'):
        StratifiedSubset(config, 0.5, seed)


def test_objects_other_than_datasets_are_rejected(config):
    with pytest.raises(InputError, match='dataset is a list'):
        StratifiedSubset([config], 0.5)


@pytest.mark.parametrize('options', [dict(with_label=False), dict(indices=0, serialize_data=False)])
def test_images_without_classes_are_rejected(config, options):
    with pytest.raises(InputError, match='CustomDataset .* one class each|CustomDataset does not'):
        StratifiedSubset({**config, **options}, 0.5)


def test_datasets_that_do_not_provide_classes_are_rejected(config):
    with pytest.raises(InputError, match='RepeatDataset does not provide the classes'):
        StratifiedSubset(dict(type='RepeatDataset', times=2, dataset=config), 0.5)


def test_each_chosen_image_appears_once_without_keep_length(config):
    subset = StratifiedSubset(config, 0.1, keep_length=False)
    assert sorted(epoch(subset)) == CHOSEN
