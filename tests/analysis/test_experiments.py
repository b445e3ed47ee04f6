"""The table of experiments."""

import pytest
from mmengine.config import Config

from vitae_mm.analysis.experiments import EXPERIMENTS, PRESETS, find_rows
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT

ALL = [(name, preset) for name, experiment in EXPERIMENTS.items() for preset in experiment.presets]
"""Experiments with their presets."""
# each trains on as many images in as many steps; training_efficiency compares lengths
EQUAL = [pair for pair in ALL if pair[0] != 'training_efficiency']
each = pytest.mark.parametrize('name, preset', ALL)


@each
def test_configs_are_there_and_rows_have_folders_of_their_own(name, preset):
    rows = find_rows(name, preset)
    assert preset in PRESETS and len(rows) > 1
    assert all((ROOT / stage.config).is_file() for row in rows for stage in row.stages)
    assert len({row.name for row in rows}) == len({row.label for row in rows}) == len(rows)


@pytest.mark.parametrize('name, preset', EQUAL)
def test_rows_differ_in_what_is_compared(name, preset):
    last = [
        Config.fromfile(ROOT / row.stages[-1].config).to_dict() for row in find_rows(name, preset)
    ]
    for cfg in last:
        del cfg['train_dataloader']['dataset']
        for entry in ('model', 'attention', 'pretrained'):
            cfg.pop(entry, None)
    assert all(cfg == last[0] for cfg in last)


@each
def test_series_stand_on_one_axis(name, preset):
    rows = find_rows(name, preset)
    with_series = [row for row in rows if row.series]
    assert with_series in ([], list(rows)) and bool(with_series) == bool(EXPERIMENTS[name].axis)
    xs = {
        series: [row.x for row in with_series if row.series == series]
        for series in {row.series for row in with_series}
    }
    assert all(x == sorted(x) and x == next(iter(xs.values())) for x in xs.values())


@pytest.mark.parametrize('preset, whole', [('mini', 0.1), ('gpu', 1), ('paper', 1)])
def test_shares_of_the_training_images_at_equal_images_seen(preset, whole):
    for row in find_rows('data_efficiency', preset):
        dataset, share = Config.fromfile(ROOT / row.stages[0].config).train_dataloader.dataset, 1
        assert row.x == 100 or dataset.get('keep_length', True)
        while dataset.type == 'vitae_mm.StratifiedSubset':
            share, dataset = share * dataset.fraction, dataset.dataset
        assert share == pytest.approx(whole * row.x / 100)


@pytest.mark.parametrize('preset', EXPERIMENTS['pretraining_kernel'].presets)
def test_kernels_of_pretraining_and_finetuning(preset):
    def kernel(stage):
        cfg = Config.fromfile(ROOT / stage.config)
        cfg.merge_from_dict(dict(option.split('=') for option in stage.options))
        # a masked autoencoder has 1 by default, and a classifier 3
        default = 1 if cfg.model.type == 'MAE' else 3
        return int(cfg.model.backbone.get('pcm_kernel_size', default))

    rows = find_rows('pretraining_kernel', preset)
    assert [[kernel(stage) for stage in row.stages] for row in rows] == [[0, 0], [1, 3], [3, 3]]


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_the_papers_figures_have_rows(name):
    experiment = EXPERIMENTS[name]
    assert set(experiment.paper) <= {row.label for row in experiment.presets['paper']}


def test_what_is_unknown_is_named():
    with pytest.raises(InputError, match=r"'x' is unknown: choose from \['data_efficiency', "):
        find_rows('x', 'mini')
    with pytest.raises(
        InputError,
        match=r"attention has no preset 'gpu': choose from "
        r"\['mini', 'paper'\]",
    ):
        find_rows('attention', 'gpu')
