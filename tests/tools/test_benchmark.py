"""tools/benchmark.py with narrow networks."""

import json
import runpy
import sys
from dataclasses import replace
from functools import partial

import cv2
import pytest
import torch

from vitae_mm.benchmark.cases import MATMUL_SIDES
from vitae_mm.benchmark.networks import Source, load_network
from vitae_mm.benchmark.presets import PRESETS, Section
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT

TOOL = 'tools/benchmark.py'
NARROW = 'configs/cifar10/vitae_32_10e_cifar10_10pct.py'
MAE = 'configs/cifar10/mae_vitae_32_10e_cifar10.py'
SHORT = ('--size', 32, '--batch', 2, '--rounds', 2, '--warm-up', 1)


@pytest.fixture
def benchmark(run_tool, monkeypatch):
    monkeypatch.setitem(MATMUL_SIDES, 'cpu', 256)
    return partial(run_tool, TOOL)


def read(path):
    return json.loads(path.read_text())['results']


def test_networks_are_compared(benchmark, tmp_path):
    printed = benchmark(
        NARROW, MAE, '--mode', 'forward', 'train', *SHORT, '--json', tmp_path / 'a.json'
    )
    results = read(tmp_path / 'a.json')
    assert [result['mode'] for result in results] == ['forward', 'train']
    for result in results:
        rows = result['networks']
        assert list(rows) == ['vitae_32_10e_cifar10_10pct eager', 'mae_vitae_32_10e_cifar10 eager']
        first, second = rows.values()
        assert first['median'] > 0 and first['peak_bytes'] > 1e6
        assert first['roofline'] > 0 and second['roofline'] is None
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
    square, other = read(tmp_path / 'a.json')
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
    assert 't2t-vit-t-14_8xb64_in1k eager' in printed and 'insufficient memory' in printed
    (result,) = read(tmp_path / 'a.json')
    (row,) = result['networks'].values()
    assert 'DefaultCPUAllocator' in row['error'] and 'median' not in row


def test_a_network_that_fails_has_a_row_and_the_others_go_on(benchmark, tmp_path, capsys):
    """Masked pretraining takes images of one size."""
    broken = tmp_path / 'broken.py'
    broken.write_text("default_scope = 'mmpretrain'\nmodel = dict(type='None')\n")
    paths = tmp_path / 'a.json', tmp_path / 'a.png'
    with pytest.raises(InputError, match='2 of 3 rows could not be measured'):
        benchmark(
            *(MAE, broken, NARROW, *SHORT, '--size', 64, '--json', paths[0], '--plot', paths[1])
        )
    (result,) = read(paths[0])
    masked, unknown, narrow = result['networks'].values()
    assert masked['error'].startswith('MaskedViTAE pretrains on images of 32x32, got 64x64')
    assert unknown['error'].startswith('KeyError: ') and unknown['network'] == str(broken)
    assert narrow['median'] > 0 and list(narrow['ratios']) == ['vitae_32_10e_cifar10_10pct eager']
    assert '│ MaskedViTAE pretrains on images of 32x32, got 6... │' in capsys.readouterr().out
    assert cv2.imread(str(paths[1])).shape[1] == 11 * 150


def test_unknown_networks_are_rejected_before_anything_is_measured(benchmark, capsys):
    with pytest.raises(InputError, match='none.py does not exist'):
        benchmark(NARROW, 'none.py', *SHORT)
    assert not capsys.readouterr().out


def test_forms_are_compared(benchmark, tmp_path):
    benchmark(NARROW, *SHORT, '--forms', 'eager', 'fused', '--json', tmp_path / 'a.json')
    (result,) = read(tmp_path / 'a.json')
    assert [name.split()[1] for name in result['networks']] == ['eager', 'fused']


@pytest.mark.slow
@pytest.mark.parametrize('mode, form', [('forward', 'fused+compiled'), ('train', 'compiled')])
def test_compiled_networks_are_measured(mode, form, benchmark):
    assert form in benchmark(NARROW, '--mode', mode, *SHORT, '--forms', form)


@pytest.mark.slow
def test_processes_are_compared_with_one(benchmark, tmp_path):
    path = tmp_path / 'a.json'
    printed = benchmark(NARROW, *SHORT, '--mode', 'step', '--processes', 2, '--json', path)
    (result,) = read(path)
    (row,) = result['networks'].values()
    assert 0 < row['efficiency'] < 2 and row['macs'] > 1e8 and row['peak_bytes'] > 1e6
    assert row['images_per_second'] == pytest.approx(4 / row['median'])
    assert 'efficiency' in printed and 'batch 2, dtype float32, processes 2' in printed


def source_parameters():
    """Each network of the presets once."""
    sources = [
        source for preset in PRESETS.values() for section in preset for source in section.sources
    ]
    return [
        pytest.param(
            source,
            id=f'{source.name}{source.pyramid * "-pyramid"}',
            marks=pytest.mark.slow if 'ViTAE-H' in source.name else (),
        )
        for i, source in enumerate(sources)
        if source not in sources[:i]
    ]


@pytest.mark.parametrize('source', source_parameters())
def test_networks_of_presets_are_loaded(source):
    assert load_network(source).name == source.name


SECTIONS = [
    Section(
        'first',
        [Source('a', NARROW), Source('b', MAE)],
        dict(a=['eager', 'fused']),
        dict(size=['32'], batch=[2]),
    ),
    Section('second', [Source('a', NARROW)], options=dict(size=['48'], batch=[3], mode=['train'])),
]


def test_sections_of_a_preset_have_their_own_options(benchmark, tmp_path, monkeypatch):
    monkeypatch.setitem(PRESETS, 'table10', SECTIONS)
    printed = benchmark(
        *('--table10', '--rounds', 2, '--warm-up', 0),
        *('--json', tmp_path / 'a.json', '--plot', tmp_path / 'a.png'),
    )
    first, second = read(tmp_path / 'a.json')
    assert list(first['networks']) == ['a eager', 'a fused', 'b eager']
    assert list(second['networks']) == ['a eager']
    settings = [(table['mode'], table['size'], table['batch']) for table in (first, second)]
    assert settings == [('forward', '32x32', 2), ('train', '48x48', 3)]
    assert 'first: mode forward' in printed and 'second: mode train' in printed
    assert (tmp_path / 'a.png').exists()


def test_given_options_replace_those_of_a_preset(benchmark, tmp_path, monkeypatch):
    """Sections that become equal are measured once."""
    sections = [SECTIONS[0], replace(SECTIONS[0], options=dict(size=['64'])), SECTIONS[1]]
    monkeypatch.setitem(PRESETS, 'gpu', sections)
    path = tmp_path / 'a.json'
    benchmark('--preset', 'gpu', *SHORT, '--forms', 'eager', '--json', path)
    settings = [
        (table['title'], table['mode'], table['size'], table['batch']) for table in read(path)
    ]
    assert settings == [('first', 'forward', '32x32', 2), ('second', 'train', '32x32', 2)]
    assert list(read(path)[0]['networks']) == ['a eager', 'b eager']


@pytest.mark.parametrize('option', ['--batch', '--processes', '--rounds', '--size', '--warm-up'])
def test_numbers_out_of_range_are_rejected(benchmark, option):
    with pytest.raises(InputError, match=rf'{option} \[?-1\]?: give'):
        benchmark(NARROW, f'{option}=-1')


def test_a_missing_device_is_rejected(benchmark):
    with pytest.raises(InputError, match='--device cuda:99: not available on this machine'):
        benchmark(NARROW, '--device', 'cuda:99')


@pytest.mark.parametrize(
    'networks, message',
    [
        ((NARROW, '--table8'), 'with --preset table8: give networks or a preset'),
        (('--preset', 'gpu'), '--preset gpu on a CPU would take hours: use a machine with a GPU'),
        ((NARROW, '--processes', 2), '--processes 2 --mode forward: only training'),
        ((NARROW, '--mode', 'step', '--dtype', 'float16'), '--mode step --dtype float16'),
        ((NARROW, '--mode', 'forward', 'train', '--forms', 'fused'), 'fused is for inference'),
        ((NARROW, NARROW), 'each network once'),
        ((f'{NARROW}@fast',), "form 'fast' is unknown or given twice"),
        ((f'{NARROW}@fused,fused',), "form 'fused' is unknown or given twice"),
        ((f'{NARROW}@',), "form '' is unknown"),
        ((NARROW, '--size', '3x4x5'), '--size 3x4x5: give a side in pixels'),
    ],
)
def test_contradictions_are_rejected(networks, message, benchmark):
    with pytest.raises(InputError, match=message):
        benchmark(*networks)


@pytest.mark.parametrize(
    'device, message',
    [('cuda', '3 processes requested, but this machine has 2 GPUs'), ('cuda:1', 'its own')],
)
def test_processes_need_a_gpu_each(device, message, monkeypatch):
    plan = runpy.run_path(str(ROOT / TOOL))
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    options = [NARROW, '--mode', 'step', '--device', device]
    options += ['--processes', '3' if device == 'cuda' else '2']
    monkeypatch.setattr(sys, 'argv', [TOOL, *options])
    with pytest.raises(InputError, match=message):
        plan['plan'](plan['parse_args'](), torch.device(device))
