"""tools/analysis/look_inside.py with untrained classifiers in the place of trained ones."""

import csv
import json
from functools import partial

import pytest
import torch
from mmengine.config import Config

from vitae_mm.analysis.experiment import Experiment, Row, Training
from vitae_mm.analysis.experiments import EXPERIMENTS
from vitae_mm.analysis.reproduction import plan_request, plan_runs
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.archs import PATCH

TOOL = 'tools/analysis/look_inside.py'
SEEDS = [0, 1]


@pytest.fixture
def folder(data, tmp_path, monkeypatch):
    """A reproduction of two networks with two seeds; the last run has diverged."""
    pytest.importorskip('torchattacks', reason='needs requirements/attacks.txt')
    configs = [training.write_classifier(tmp_path / f'{name}.py', data) for name in 'ab']
    cfg = Config.fromfile(configs[1])
    cfg.model.backbone = dict(type='vitae_mm.ViTAE', arch=PATCH, img_size=32)
    cfg.dump(configs[1])
    rows = [Row(path.stem, (Training(str(path)),)) for path in configs]
    monkeypatch.setitem(EXPERIMENTS, 'tiny', Experiment('t', dict(mini=tuple(rows))))
    folder = tmp_path / 'runs'
    for run in plan_runs(rows, SEEDS, folder):
        work_dir = run.work_dir(run.row.trainings[0])
        work_dir.mkdir(parents=True)
        torch.manual_seed(run.seed)
        weights = build_model(Config.fromfile(run.row.trainings[0].config)).state_dict()
        torch.save(weights, work_dir / 'epoch_1.pth')
        (work_dir / 'last_checkpoint').write_text('epoch_1.pth')
        run.result.write_text('{"accuracy/top1": 50.0}')
    run.result.write_text('{"diverged": "loss=nan"}')
    request = plan_request('tiny', 'mini', rows, SEEDS)
    (folder / 'request.json').write_text(json.dumps(request))
    return folder


@pytest.fixture
def look(run_tool, folder):
    return partial(run_tool, TOOL, folder, '--device', 'cpu')


def test_layers_and_strengths_are_measured_with_every_seed(look, folder):
    shown = look('--count', 4, '--eps', '1/255', '8/255')
    distances = list(csv.DictReader((folder / 'attention_distance.csv').open()))
    found = {(row['series'], row['x'], row['seed']): float(row['distance']) for row in distances}
    layers = {(series, x) for series, x, _ in found if series == 'a'}
    assert layers == {('a', str(x)) for x in range(1, 5)}
    assert [(series, seed) for series, x, seed in found if x == '1'] == [
        ('a', '0'),
        ('a', '1'),
        ('b', '0'),
    ]
    assert found['a', '1', '0'] != found['a', '1', '1'] and min(found.values()) > 0
    with (folder / 'robustness.csv').open() as file:
        accuracies = list(csv.DictReader(file))
    assert [row['x'] for row in accuracies if row['series'] == 'b'] == ['0', '1', '8']
    assert '| a, layer 1 |' in shown and '| b, 8/255 |' in shown
    assert (folder / 'look_inside.md').read_text() in shown
    for name in ('attention_distance', 'robustness'):
        assert (folder / f'{name}.png').read_bytes().startswith(b'\x89PNG')


def test_one_network_gives_what_the_other_tools_give(look, folder, run_tool, tmp_path):
    look('--count', 8, '--eps', '1/255', '32/255')
    model = tmp_path / 'b.py', folder / 'b_seed0/b/epoch_1.pth'
    options = '--count', 8, '--device', 'cpu'
    out = '--out', tmp_path / 'd.png', '--json', tmp_path / 'd.json'
    run_tool('tools/analysis/attention_distance.py', *model, *options, *out)
    layers = json.loads((tmp_path / 'd.json').read_text())['b']['layers']
    assert scores(folder, 'attention_distance') == pytest.approx(
        [layer['mean'] for layer in layers], rel=1e-5
    )
    attack = '--attack', 'pgd', '--eps', '1/255', '32/255', '--corruptions'
    run_tool('tools/analysis/robustness.py', *model, *options, *attack, '--out', tmp_path / 'r')
    (found,) = json.loads((tmp_path / 'r/robustness.json').read_text())['models'].values()
    assert scores(folder, 'robustness') == found['accuracy']['pgd']


def scores(folder, name):
    """The scores of b, whose second seed has diverged."""
    with (folder / f'{name}.csv').open() as file:
        return [float(row[list(row)[-1]]) for row in csv.DictReader(file) if row['series'] == 'b']


def test_unusable_folders_and_options_are_rejected(look, folder, run_tool, tmp_path):
    with pytest.raises(InputError, match='has no request.json: give the work dir'):
        run_tool(TOOL, tmp_path, '--device', 'cpu')
    with pytest.raises(InputError, match='--count 0: give a whole number'):
        look('--count', 0)
    with pytest.raises(InputError, match='8/255 is probably meant'):
        look('--eps', 8)
    recorded = folder / 'request.json'
    before = recorded.read_text()
    recorded.write_text(before.replace('"lr": ', '"lr": 1'))
    with pytest.raises(InputError, match=r'started with other settings: .*lr'):
        look()
    recorded.write_text(before)
    (folder / 'a_seed1/result.json').unlink()
    with pytest.raises(InputError, match='is not finished: run tools/reproduce.py'):
        look()
