"""Options of the backbones, and the errors that invalid ones raise."""

import pytest
import torch

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.errors import InputError

from ..helpers.archs import BLOCKS, PATCH, PYRAMID
from ..helpers.archs import TWO_STAGES as ARCH

ALL_BLOCKS = {**BLOCKS, 'ratios': (16,), 'mlp_ratios': (4,)}


@pytest.mark.parametrize(
    'network, options, words',
    [
        (ViTAEv2, dict(arch='large'), ["'large'", '48m', 'base', 'small']),
        (
            ViTAEv2,
            dict(arch={**ARCH, 'depths': (1, 1, 1)}),
            ['lengths', "'depths': 3", "'dims': 2"],
        ),
        (ViTAEv2, dict(arch={**ARCH, 'num_heads': (1, 3)}), ['stage 1', 'num_heads=3', 'dims=16']),
        (ViTAEv2, dict(arch={**ARCH, 'reduction_heads': (3, 1)}), ['reduction_heads=3', 'dims=8']),
        (ViTAEv2, dict(arch={**ARCH, 'groups': (1, 5)}), ['stage 1', 'groups=5', 'dims=16']),
        (
            ViTAEv2,
            dict(arch={**ARCH, 'reduction_groups': (2, 4)}),
            ['reduction_groups=2', 'input=3'],
        ),
        (ViTAEv2, dict(arch={**ARCH, 'ratios': (3, 2)}), ['ratios=3', '(1, 2, 4, 8)']),
        (ViTAEv2, dict(arch={**ARCH, 'kernel_sizes': (3, 1)}), ['kernel_sizes=3', 'ratios=4']),
        (
            ViTAEv2,
            dict(arch={**ARCH, 'reductions': ('cell', 'pyramid')}),
            ['16 // 3 dilations = 5 channels', 'branch_dims'],
        ),
        (ViTAEv2, dict(arch={**ARCH, 'width': (1, 1)}), ['unknown', 'width']),
        (ViTAEv2, dict(arch=dict(dims=(8, 16))), ['missing', 'branch_dims']),
        (ViTAEv2, dict(attention=['window'] * 3), ['attention', '4 stages']),
        (ViTAEv2, dict(attention=['window', 'local', 'full', 'full']), ["'local'", 'performer']),
        (
            ViTAEv2,
            dict(
                arch={
                    **ARCH,
                    'dims': (8, 18),
                    'num_heads': (1, 2),
                    'groups': (1, 2),
                    'reduction_groups': (1, 2),
                },
                attention=['full', 'performer'],
            ),
            ['even', '18 / 2'],
        ),
        (
            ViTAEv2,
            dict(
                arch={**ARCH, 'dims': (8, 512), 'num_heads': (1, 1)},
                attention=['full', 'performer'],
            ),
            ['up to 256', '512 / 1', 'number of heads'],
        ),
        (ViTAEv2, dict(window_size=0), ['window_size=0', '1 or more']),
        (ViTAEv2, dict(drop_path_rate=1.0), ['drop_path_rate=1.0', '[0, 1)']),
        (ViTAEv2, dict(drop_rate=-0.1), ['drop_rate=-0.1']),
        (ViTAEv2, dict(out_indices=(0, 4)), ['out_indices=(0, 4)', '(0, 1, 2, 3)']),
        (ViTAEv2, dict(out_indices=()), ['out_indices=()']),
        (ViTAEv2, dict(out_indices=(1, 0)), ['ascending']),
        (ViTAEv2, dict(out_indices=('a',)), ['integers']),
        (ViTAEv2, dict(arch=None), ['arch=None', '48m']),
        (ViTAEv2, dict(arch={**ARCH, 'depths': 2}), ['depths=2', 'one entry per stage']),
        (ViTAEv2, dict(arch={**ARCH, 'depths': (-1, 1)}), ['depths=(-1, 1)', 'positive']),
        (ViTAEv2, dict(arch={**ARCH, 'dims': (8.0, 16)}), ['dims=(8.0, 16)']),
        (
            ViTAEv2,
            dict(arch={**ARCH, 'dilations': (1, 2)}),
            ['dilations=(1, 2)', 'list of dilations'],
        ),
        (
            ViTAEv2,
            dict(arch={**ARCH, 'ratios': (1, 2), 'kernel_sizes': (2, 3)}),
            ['ratios=1', 'odd kernel'],
        ),
        (
            ViTAEv2,
            dict(arch={**ARCH, 'reductions': ('cell', 'conv')}),
            ['conv', 'pyramid', 'patch'],
        ),
        (ViTAEv2, dict(drop_path_rate='a'), ["drop_path_rate='a'"]),
        (ViTAEv2, dict(norm_cfg=dict(type='XN')), ['XN', "dict(type='SyncBN')"]),
        (ViTAEv2, dict(norm_cfg=dict(type='GN', num_groups=7)), ['num_groups', '64 channels']),
        (ViTAEv2, dict(frozen_stages=5), ['frozen_stages=5', '4 stages']),
        (ViTAEv2, dict(dilations=[[1, 2]]), ['dilations=[[1, 2]]', '4 pyramid']),
        (ViTAEv2, dict(dilations=[[1], [], [1], [1]]), ['dilations', '4 pyramid']),
        (ViTAEv2, dict(pcm_kernel_size=2), ['pcm_kernel_size=2', '(0, 1, 3)']),
        (ViTAEv2, dict(pcm_fusion='late'), ["'late'", 'after_ffn']),
        (
            ViTAEv2,
            dict(attention=['full'] * 4, reduction_attention=['full'] * 4, shift_window=True),
            ['shift_window=True', 'no stage has window attention'],
        ),
        (ViTAEv2, dict(out_type='map'), ["out_type='map'", 'avg_featmap']),
        (ViTAEv2, dict(out_type='cls_token'), ['no class token']),
        (
            ViTAEv2,
            dict(out_type='avg_featmap', out_indices=(0, 1)),
            ['reads the last stage', '(0, 1)'],
        ),
        (ViTAE, dict(arch='big'), ["'big'", '13m', 'huge', 'tiny']),
        (ViTAE, dict(position='rotary'), ["'rotary'", 'sinusoid']),
        (ViTAE, dict(final_norm='batch'), ["'batch'", 'pooled']),
        (ViTAE, dict(class_token=True, attention=['window']), ['no place for a class token']),
        (ViTAE, dict(relative_position=True), ['relative_position=True', "['window', ...]"]),
        (ViTAE, dict(arch='base', dilations=[[1]]), ['0 pyramid']),
        (ViTAE, dict(arch='base', img_size=(1, 2, 3)), ['img_size=(1, 2, 3)']),
        (ViTAE, dict(arch={**PATCH, 'reductions': ('cell',)}), ['unknown', 'reductions']),
        (ViTAE, dict(arch={**PYRAMID, 'dims': (8, 12, 20)}), ['pyramid alone', 'dims=20']),
        (ViTAE, dict(arch={**PYRAMID, 'depths': (0, 1, 0)}), ['depths=(0, 1, 0)', 'last stage']),
        (
            ViTAE,
            dict(arch={key: value for key, value in PYRAMID.items() if key != 'mlp_ratios'}),
            ["missing ['mlp_ratios']"],
        ),
        (ViTAE, dict(arch='base', final_norm='pooled'), ['pooled', 'featmap', 'leave']),
        (ViTAE, dict(img_size=None), ['img_size=None']),
        (ViTAE, dict(img_size='224'), ["img_size='224'"]),
        (ViTAE, dict(class_token='no'), ["class_token='no'", 'True or False']),
        (ViTAEv2, dict(in_channels=0), ['in_channels=0', '1 or more']),
        (ViTAEv2, dict(in_channels='3'), ["in_channels='3'"]),
        (ViTAEv2, dict(reduction_pcm='no'), ["reduction_pcm='no'"]),
        (ViTAEv2, dict(with_cp=1), ['with_cp=1']),
        (ViTAEv2, dict(frozen_stages=True), ['frozen_stages=True']),
        (
            ViTAEv2,
            dict(attention=['full'] * 4, reduction_attention=['full'] * 4, window_size=14),
            ['window_size=14', 'no stage has window attention'],
        ),
        (ViTAEv2, dict(attention=['full'] * 4, shift_window=True), ['shift_window=True']),
        (CeiT, dict(leff_kernel_size=True), ['leff_kernel_size=True']),
        (CeiT, dict(lca=0), ['lca=0', 'True or False']),
        (
            ViTAEv2,
            dict(init_cfg=[dict(type='Pretrained', checkpoint='a'), dict(type='Xavier')]),
            ['Pretrained', 'Xavier'],
        ),
        (CeiT, dict(arch={**BLOCKS, 'dims': (16, 16)}), ['lengths', "'dims': 2"]),
        (
            CeiT,
            dict(arch={key: value * 2 for key, value in ALL_BLOCKS.items()}),
            ['one stage', '2'],
        ),
        (CeiT, dict(arch={**BLOCKS, 'num_heads': (3,)}), ['num_heads=3', 'dims=16']),
        (CeiT, dict(arch={**BLOCKS, 'ratios': (6,)}), ['ratios=(6,)', 'by 4']),
        (CeiT, dict(leff_kernel_size=2), ['leff_kernel_size=2', '(0, 1, 3, 5, 7)']),
        (CeiT, dict(stem_channels=0), ['stem_channels=0', '1 or more']),
    ],
)
def test_invalid_options_are_reported_with_a_remedy(network, options, words):
    with pytest.raises(InputError) as error:
        network(**options)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    'network, options, idle',
    [
        (ViTAEv2, dict(arch=ARCH, pcm_kernel_size=0), dict(pcm_fusion='after_ffn')),
        (ViTAEv2, dict(arch=ARCH, attention=['window'] * 2), dict(shift_window=True)),
        (ViTAE, dict(arch=PATCH), dict(reduction_pcm=False)),
        (CeiT, dict(arch=BLOCKS, stem_conv=False), dict(stem_pool=False)),
        (CeiT, dict(arch=BLOCKS, leff_kernel_size=0), dict(leff_norm=False)),
    ],
)
def test_options_of_absent_parts_change_nothing(network, options, idle):
    torch.manual_seed(0)
    plain = network(**options).eval()
    same = network(**options, **idle).eval()
    same.load_state_dict(plain.state_dict())
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(same(x)[0], plain(x)[0])


def test_a_custom_arch_has_defaults():
    model = ViTAEv2(ARCH, out_indices=(0, -1))
    assert model.out_indices == (0, 1)
    assert [s.reduction.ratio for s in model.stages] == [4, 2]
    assert [len(s.reduction.prm.branches) for s in model.stages] == [4, 3]


def test_further_stages_repeat_the_last_kind_of_attention():
    arch = dict(
        branch_dims=[8] * 5,
        dims=[8] * 5,
        depths=[1] * 5,
        num_heads=[1] * 5,
        reduction_heads=[1] * 5,
        reductions=['cell'] * 5,
        kernel_sizes=[3] * 5,
        ratios=[2] * 5,
        dilations=[[1]] * 5,
        reduction_groups=[1] * 5,
        groups=[1] * 5,
        mlp_ratios=[2] * 5,
    )
    kinds = [type(stage.cells[0].attn).__name__ for stage in ViTAEv2(arch).stages]
    assert kinds == ['WindowAttention'] * 2 + ['FullAttention'] * 3


def test_dilations_keep_the_width_of_the_tokens():
    dilations = [[1], [1, 2, 3, 4], [1, 2, 3]]
    model = ViTAE('tiny', dilations=dilations)
    branches = [getattr(s.reduction, 'prm', s.reduction).branches for s in model.stages]
    assert [[b.dilation[0] for b in row] for row in branches] == dilations
    widths = [[b.out_channels for b in row] for row in branches]
    # the third pyramid alone gives 256 channels
    assert widths == [[64], [64] * 4, [86, 85, 85]]


def test_pcm_options_reach_the_cells():
    model = ViTAEv2(ARCH, pcm_kernel_size=1, reduction_pcm=False, norm_cfg=None, out_indices=(0, 1))
    for stage in model.stages:
        assert stage.reduction.pcm is None
        names = [name for name, _ in stage.cells[0].pcm.named_children()]
        assert names == ['conv1', 'act1', 'conv2', 'act2', 'conv3']
        assert stage.cells[0].pcm.conv1.kernel_size == (1, 1)
    assert ViTAEv2(ARCH, pcm_kernel_size=0).stages[0].cells[0].pcm is None


def test_parallel_convs_have_their_published_layers():
    def names(pcm):
        return [name for name, _ in pcm.named_children()]

    tiny, base = ViTAE(PYRAMID), ViTAE(PATCH)
    assert names(tiny.stages[0].reduction.pcm) == [
        'conv1',
        'act1',
        'conv2',
        'norm2',
        'act2',
        'conv3',
        'act3',
    ]
    assert names(tiny.stages[2].cells[0].pcm) == [
        'conv1',
        'norm1',
        'act1',
        'conv2',
        'norm2',
        'act2',
        'conv3',
        'act3',
    ]
    assert names(base.stages[0].cells[0].pcm) == ['conv1', 'norm1', 'act1', 'conv2']
