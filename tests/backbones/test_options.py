import pytest
from helpers.archs import TWO_STAGES as ARCH

from vitae_mm.backbones import ViTAEv2
from vitae_mm.errors import InputError



@pytest.mark.parametrize('options, words', [
    (dict(arch='large'), ["'large'", '48m', 'base', 'small']),
    (dict(arch={**ARCH, 'depths': (1, 1, 1)}), ['lengths', "'depths': 3", "'dims': 2"]),
    (dict(arch={**ARCH, 'num_heads': (1, 3)}), ['stage 1', 'num_heads=3', 'dims=16']),
    (dict(arch={**ARCH, 'reduction_heads': (3, 1)}), ['stage 0', 'reduction_heads=3', 'dims=8']),
    (dict(arch={**ARCH, 'groups': (1, 5)}), ['stage 1', 'groups=5', 'dims=16']),
    (dict(arch={**ARCH, 'reduction_groups': (2, 4)}), ['reduction_groups=2', 'input=3']),
    (dict(arch={**ARCH, 'ratios': (3, 2)}), ['ratios=3', '(1, 2, 4, 8)']),
    (dict(arch={**ARCH, 'kernel_sizes': (3, 1)}), ['kernel_sizes=3', 'ratios=4']),
    (dict(arch={**ARCH, 'width': (1, 1)}), ['unknown', 'width']),
    (dict(arch=dict(dims=(8, 16))), ['missing', 'branch_dims']),
    (dict(attention=['window'] * 3), ['attention', '4 stages']),
    (dict(attention=['window', 'local', 'full', 'full']), ["'local'", 'performer']),
    (dict(arch={**ARCH, 'dims': (8, 18), 'num_heads': (1, 2), 'groups': (1, 2),
                'reduction_groups': (1, 2)}, attention=['full', 'performer']), ['even', '18 / 2']),
    (dict(window_size=0), ['window_size=0', '1 or more']),
    (dict(drop_path_rate=1.), ['drop_path_rate=1.0', '[0, 1)']),
    (dict(drop_rate=-.1), ['drop_rate=-0.1']),
    (dict(out_indices=(0, 4)), ['out_indices=(0, 4)', '(0, 1, 2, 3)']),
    (dict(out_indices=()), ['out_indices=()']),
    (dict(out_indices=(1, 0)), ['ascending']),
    (dict(out_indices=('a', )), ['whole numbers']),
    (dict(arch=None), ['arch=None', '48m']),
    (dict(arch={**ARCH, 'depths': 2}), ['depths=2', 'one entry a stage']),
    (dict(arch={**ARCH, 'depths': (-1, 1)}), ['depths=(-1, 1)', 'positive']),
    (dict(arch={**ARCH, 'dims': (8., 16)}), ['dims=(8.0, 16)']),
    (dict(arch={**ARCH, 'dilations': (1, 2)}), ['dilations=(1, 2)', 'list of dilations']),
    (dict(arch={**ARCH, 'ratios': (1, 2), 'kernel_sizes': (2, 3)}), ['ratios=1', 'odd kernel']),
    (dict(drop_path_rate='a'), ["drop_path_rate='a'"]),
    (dict(norm_cfg=dict(type='XN')), ['XN', "dict(type='SyncBN')"]),
    (dict(norm_cfg=dict(type='GN', num_groups=7)), ['num_groups', '64 channels']),
    (dict(frozen_stages=5), ['frozen_stages=5', '4 stages']),
])
def test_a_bad_option_is_named_with_its_remedy(options, words):
    with pytest.raises(InputError) as error:
        ViTAEv2(**options)
    for word in words:
        assert word in str(error.value)


def test_a_custom_arch_takes_the_defaults_it_does_not_set():
    model = ViTAEv2(ARCH, out_indices=(0, -1))
    assert model.out_indices == (0, 1)
    assert [s.reduction.ratio for s in model.stages] == [4, 2]
    assert [len(s.reduction.prm.branches) for s in model.stages] == [4, 3]
