import json
import runpy
import sys

import pytest
from helpers.commands import ROOT

from vitae_mm.errors import InputError

TOOL = 'tools/benchmark.py'


@pytest.fixture
def benchmark(monkeypatch, capsys):
    """What the tool prints."""

    def run_here(*arguments):
        monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
        runpy.run_path(str(ROOT / TOOL))['main'].__wrapped__()
        return capsys.readouterr().out

    return run_here


def test_networks_are_compared(benchmark, tmp_path):
    names = ['cls/vitae_32_10e_cifar10_10pct', 'ssl/mae_vitae_32_10e_cifar10']
    printed = benchmark(*(f'configs/{name}.py' for name in names), '--mode', 'train', '--size', 32,
                        '--batch', 2, '--rounds', 2, '--warm-up', 1, '--json', tmp_path / 'a.json')
    content = json.loads((tmp_path / 'a.json').read_text())
    assert content['options']['mode'] == 'train' and content['options']['batch'] == 2
    rows = content['networks']
    assert list(rows) == [name.split('/')[1] for name in names]
    assert all(row['median'] > 0 and row['peak_bytes'] > 1e6 for row in rows.values())
    assert rows['vitae_32_10e_cifar10_10pct']['ratio'] == 1
    assert 'memory (MiB)' in printed and 'vitae_32_10e' in printed


@pytest.mark.parametrize('option', ['--batch', '--rounds', '--size', '--warm-up'])
def test_numbers_out_of_range_are_refused(benchmark, option):
    with pytest.raises(InputError, match=f'{option} -1: give'):
        benchmark('configs/cls/vitae_32_10e_cifar10_10pct.py', f'{option}=-1')


def test_a_device_that_is_not_there_is_refused(benchmark):
    with pytest.raises(InputError, match='--device cuda:99: not on this machine'):
        benchmark('configs/cls/vitae_32_10e_cifar10_10pct.py', '--device', 'cuda:99')
