"""Norms of the parallel convs other than batch norm."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.errors import InputError

from ..helpers.archs import FOUR_STAGES, NARROW, PUBLISHED, every_arch


@pytest.mark.parametrize('network, arch', [(network, arch) for network, arch, _ in PUBLISHED])
def test_group_norm_of_32_groups_fits_every_published_network(network, arch):
    with torch.device('meta'):
        model = network(arch, norm_cfg=dict(type='GN', num_groups=32))
    kinds = {type(module) for module in model.modules()}
    assert nn.GroupNorm in kinds and nn.BatchNorm2d not in kinds


@pytest.mark.parametrize('network, arch', every_arch())
def test_suggested_numbers_of_groups_work(network, arch):
    with torch.device('meta'):
        with pytest.raises(InputError, match='num_groups that divides every width') as error:
            network(arch, norm_cfg=dict(type='GN', num_groups=7))
        offered = [int(number) for number in str(error.value).split('[')[-1][:-2].split(',')]
        assert offered[0] == 1 and len(offered) > 1
        for number in offered:
            network(arch, norm_cfg=dict(type='GN', num_groups=number))
        with pytest.raises(InputError, match='num_groups'):
            network(arch, norm_cfg=dict(type='GN', num_groups=2 * offered[-1]))


@pytest.mark.parametrize(
    'network, arch, options',
    [
        (ViTAEv2, FOUR_STAGES, dict(reduction_pcm=False, pcm_kernel_size=0)),
        (ViTAE, NARROW['vitae_patch'][1], dict(pcm_kernel_size=0)),
        (CeiT, NARROW['ceit'][1], dict(stem_norm=False, leff_norm=False)),
    ],
)
def test_widths_without_norms_are_not_checked(network, arch, options):
    network(arch, norm_cfg=dict(type='GN', num_groups=7), **options)


@pytest.mark.parametrize(
    'norm_cfg', [dict(type='GN'), dict(type='GN', num_groups=0), dict(type='GN', num_groups='8')]
)
def test_invalid_norms_are_explained(norm_cfg):
    with pytest.raises(InputError, match='cannot normalize 8 channels'):
        ViTAEv2(FOUR_STAGES, norm_cfg=norm_cfg)


@pytest.mark.parametrize('name', NARROW)
def test_group_norm_trains_on_one_token(name):
    """Batch norm, which has no statistics of a single value, is rejected."""
    network, arch = NARROW[name]
    image = torch.rand(1, 3, 16, 16)
    network(arch, norm_cfg=dict(type='GN', num_groups=4))(image)[0].sum().backward()
    network(arch, norm_eval=True).train()(image)
    model = network(arch)
    assert any(isinstance(module, _BatchNorm) for module in model.stages[-1].modules())
    with pytest.raises(InputError, match='too small to train batch norms'):
        model(image)
