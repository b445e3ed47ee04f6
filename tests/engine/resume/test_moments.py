import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from vitae_mm.engine.resume import match_moments

from ...helpers.stacks import needs_torch


def wrap(weight, **options):
    return OptimWrapper(torch.optim.AdamW([weight], lr=0.1, **options))


def step(wrapper, weight, seed):
    weight.grad = torch.empty_like(weight).copy_(
        torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed))
    )
    wrapper.optimizer.step()


@needs_torch('2.4', 'a fused optimizer on a CPU')
@pytest.mark.parametrize('several', [False, True], ids=['one', 'several'])
@pytest.mark.parametrize('saved', [torch.contiguous_format, torch.channels_last])
def test_a_fused_optimizer_continues_from_moments_of_another_format(saved, several):
    torch.manual_seed(0)
    start = torch.randn(8, 4, 3, 3)
    whole = nn.Parameter(start.clone())
    other = torch.channels_last if saved == torch.contiguous_format else torch.contiguous_format
    first = nn.Parameter(start.contiguous(memory_format=saved))
    plain, wrapper = wrap(whole), wrap(first, fused=True)
    step(plain, whole, 0)
    step(wrapper, first, 0)
    second = nn.Parameter(first.detach().contiguous(memory_format=other))
    resumed = wrap(second, fused=True)
    resumed.load_state_dict(wrapper.state_dict())
    match_moments(OptimWrapperDict(backbone=resumed) if several else resumed)
    moments = resumed.optimizer.state[second]
    assert moments['exp_avg'].stride() == second.stride()
    step(plain, whole, 1)
    step(resumed, second, 1)
    torch.testing.assert_close(second, whole)
