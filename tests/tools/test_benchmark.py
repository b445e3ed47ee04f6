"""tools/benchmark.py with narrow networks."""

import json
from functools import partial

import cv2
import pytest

from vitae_mm.benchmark.networks import load_network
from vitae_mm.benchmark.presets import TABLE_8, TABLE_10
from vitae_mm.errors import InputError

TOOL = 'tools/benchmark.py'
NARROW = 'configs/cifar10/vitae_32_10e_cifar10_10pct.py'
SHORT = ('--size', 32, '--batch', 2, '--rounds', 2, '--warm-up', 1)


@pytest.fixture
def benchmark(run_tool):
    return partial(run_tool, TOOL)


def test_networks_are_compared(benchmark, tmp_path):
    printed = benchmark(
        NARROW,
        'configs/cifar10/mae_vitae_32_10e_cifar10.py',
        '--mode',
        'forward',
        'train',
        *SHORT,
        '--json',
        tmp_path / 'a.json',
    )
    content = json.loads((tmp_path / 'a.json').read_text())
    assert [result['mode'] for result in content['results']] == ['forward', 'train']
    for result in content['results']:
        rows = result['networks']
        assert list(rows) == ['vitae_32_10e_cifar10_10pct eager', 'mae_vitae_32_10e_cifar10 eager']
        first, second = rows.values()
        assert first['median'] > 0 and first['peak_bytes'] > 1e6
        assert 0 < first['roofline'] < 2 and second['roofline'] is None
        assert next(iter(first['ratios'].values())) == 1
        assert list(first['ratios']) == list(rows)
        assert first['images_per_second'] == pytest.approx(2 / first['median'])
    assert printed.count('roofline') == 2 and 'mode train, size 32x32, batch 2' in printed


def test_networks_may_have_their_own_forms(benchmark, tmp_path):
    benchmark(
        f'{NARROW}@fused,eager',
        'configs/cifar10/vitae_32_mini_6e_cifar10_10pct.py',
        *SHORT,
        '--size',
        32,
        '32x48',
        '--json',
        tmp_path / 'a.json',
    )
    square, other = json.loads((tmp_path / 'a.json').read_text())['results']
    assert (square['size'], other['size']) == ('32x32', '32x48')
    rows = other['networks']
    assert [name.split()[1] for name in rows] == ['fused', 'eager', 'eager']
    own = 'vitae_32_10e_cifar10_10pct eager'
    assert rows[own]['macs'] > 1.4 * square['networks'][own]['macs']


def test_growth_is_drawn(benchmark, tmp_path):
    benchmark(NARROW, *SHORT, '--size', 32, 64, '--plot', tmp_path / 'growth.png')
    assert cv2.imread(str(tmp_path / 'growth.png')).shape[1] == 7 * 150


def test_a_network_beyond_the_memory_has_a_row(benchmark, tmp_path):
    """The first attention of T2T-ViT over 896 x 896 tokens would take 2.3 TiB."""
    printed = benchmark(
        'mmpretrain::t2t_vit/t2t-vit-t-14_8xb64_in1k.py',
        '--size',
        3584,
        '--batch',
        1,
        '--rounds',
        2,
        '--warm-up',
        0,
        '--json',
        tmp_path / 'a.json',
    )
    assert 'insufficient' in printed
    (result,) = json.loads((tmp_path / 'a.json').read_text())['results']
    assert result['networks'] == {'t2t-vit-t-14_8xb64_in1k eager': None}


def test_forms_are_compared(benchmark, tmp_path):
    benchmark(NARROW, *SHORT, '--forms', 'eager', 'fused', '--json', tmp_path / 'a.json')
    (result,) = json.loads((tmp_path / 'a.json').read_text())['results']
    assert [name.split()[1] for name in result['networks']] == ['eager', 'fused']


@pytest.mark.slow
@pytest.mark.parametrize('mode, form', [('forward', 'fused+compiled'), ('train', 'compiled')])
def test_compiled_networks_are_measured(mode, form, benchmark):
    assert form in benchmark(NARROW, '--mode', mode, *SHORT, '--forms', form)


@pytest.mark.parametrize('name, spec', [*TABLE_8.items(), *TABLE_10.items()])
def test_networks_of_the_tables_are_loaded(name, spec):
    config, changes = spec
    assert load_network(config, name, changes).name == name


@pytest.mark.parametrize('option', ['--batch', '--rounds', '--size', '--warm-up'])
def test_numbers_out_of_range_are_rejected(benchmark, option):
    with pytest.raises(InputError, match=rf'{option} \[?-1\]?: give'):
        benchmark(NARROW, f'{option}=-1')


def test_a_missing_device_is_rejected(benchmark):
    with pytest.raises(InputError, match='--device cuda:99: not available on this machine'):
        benchmark(NARROW, '--device', 'cuda:99')


@pytest.mark.parametrize(
    'networks, message',
    [
        ((NARROW, '--table8'), 'give networks or a table'),
        ((NARROW, NARROW), 'each network once'),
        ((f'{NARROW}@fast',), "form 'fast' is unknown or given twice"),
        ((f'{NARROW}@fused,fused',), "form 'fused' is unknown or given twice"),
        ((f'{NARROW}@',), "form '' is unknown"),
        ((NARROW, '--plot', 'a.png'), 'give two sizes or more, as in --size 224 448'),
        ((NARROW, '--size', '3x4x5'), '--size 3x4x5: give a side in pixels'),
    ],
)
def test_contradictions_are_rejected(networks, message, benchmark):
    with pytest.raises(InputError, match=message):
        benchmark(*networks)
