"""The table of the papers' experiments."""

import pytest

from vitae_mm.analysis.experiment import Training
from vitae_mm.analysis.experiments import EXPERIMENTS, PRESETS, T2T, find_rows
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT
from ..helpers.config_files import BACKBONE_KEYS, read_training

ALL = [(name, preset) for name, experiment in EXPERIMENTS.items() for preset in experiment.presets]
"""Pairs of an experiment and one of its presets."""
# rows have equal numbers of steps, except where lengths are compared, and on small data, where
# test_own_data.py compares them
EQUAL = [
    pair
    for pair in ALL
    if pair[0] != 'training_efficiency' and pair[1] not in ('own_data', 'starting_weights')
]
each = pytest.mark.parametrize('name, preset', ALL)


@each
def test_configs_exist_and_rows_have_their_own_folders(name, preset):
    rows = find_rows(name, preset)
    assert preset in PRESETS and len(rows) > 1
    assert all((ROOT / training.config).is_file() for row in rows for training in row.trainings)
    assert len({row.name for row in rows}) == len({row.label for row in rows}) == len(rows)


@pytest.mark.parametrize('name, preset', EQUAL)
def test_rows_differ_only_in_what_is_compared(name, preset):
    last = [read_training(row.trainings[-1]).to_dict() for row in find_rows(name, preset)]
    for cfg in last:
        del cfg['train_dataloader']['dataset'], cfg['model']
        for key in BACKBONE_KEYS:
            cfg.pop(key, None)
    assert all(cfg == last[0] for cfg in last)


@each
def test_series_share_an_axis(name, preset):
    rows = find_rows(name, preset)
    with_series = [row for row in rows if row.series]
    assert with_series in ([], list(rows))
    assert not with_series or EXPERIMENTS[name].axis
    xs = {
        series: [row.x for row in with_series if row.series == series]
        for series in {row.series for row in with_series}
    }
    assert all(x == sorted(x) and x == next(iter(xs.values())) for x in xs.values())


@pytest.mark.parametrize('preset, whole', [('mini', 0.1), ('gpu', 1), ('paper', 1)])
def test_data_efficiency_compares_fractions_of_equal_length(preset, whole):
    for row in find_rows('data_efficiency', preset):
        dataset, fraction = read_training(row.trainings[0]).train_dataloader.dataset, 1
        assert dataset.get('keep_length', True)
        while dataset.type == 'vitae_mm.StratifiedSubset':
            fraction, dataset = fraction * dataset.fraction, dataset.dataset
        assert fraction == pytest.approx(whole * row.x / 100)


@pytest.mark.parametrize('preset', EXPERIMENTS['training_efficiency'].presets)
def test_training_efficiency_compares_numbers_of_epochs(preset):
    for row in find_rows('training_efficiency', preset):
        train_cfg = read_training(row.trainings[0]).train_cfg
        assert train_cfg.max_epochs == row.x and row.x % train_cfg.val_interval == 0


@pytest.mark.parametrize('preset', EXPERIMENTS['pretraining_kernel'].presets)
def test_rows_compare_kernels_of_pretraining_and_finetuning(preset):
    def kernel(training):
        model = read_training(training).model
        # a masked autoencoder has 1 by default, and a classifier 3
        return model.backbone.get('pcm_kernel_size', 1 if model.type == 'MAE' else 3)

    rows = find_rows('pretraining_kernel', preset)
    kernels = [[kernel(training) for training in row.trainings] for row in rows]
    assert kernels == [[0, 0], [1, 3], [3, 3]]


def test_options_of_t2t_equal_its_backbone_file():
    """The options of rows named T2T-ViT-7 give the network of t2t_7_32.py."""
    options = Training('configs/cifar10/vitae_t_32_10e_cifar10_10pct.py').with_backbone(T2T)
    ours = read_training(options).model
    assert ours == read_training(Training('configs/cifar10/t2t_7_32_10e_cifar10_10pct.py')).model


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_every_figure_of_the_papers_has_a_row(name):
    experiment = EXPERIMENTS[name]
    assert set(experiment.paper.rows) <= {row.label for row in experiment.presets.get('paper', ())}


def test_unknown_names_are_reported():
    with pytest.raises(InputError, match=r"'x' is unknown: choose from \['data_efficiency', "):
        find_rows('x', 'mini')
    with pytest.raises(
        InputError,
        match=r"attention has no preset 'gpu': choose from "
        r"\['mini', 'paper'\]",
    ):
        find_rows('attention', 'gpu')
