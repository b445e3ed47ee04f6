import pytest
import torch

from vitae_mm.layers import FullAttention, attention

from .equations import softmax_attention


@pytest.mark.parametrize('qkv_bias, value_skip', [(True, False), (False, True)])
def test_equals_the_equation(qkv_bias, value_skip):
    module = FullAttention(6, 8, 2, qkv_bias=qkv_bias, value_skip=value_skip).double()
    assert (module.qkv.bias is not None) == qkv_bias
    x = torch.rand(2, 3, 5, 6).double()
    ours = module(x)
    assert ours.shape == (2, 3, 5, 8)
    for sample, out in zip(x, ours, strict=True):
        plain = softmax_attention(module, sample.flatten(0, 1))
        torch.testing.assert_close(out.flatten(0, 1), plain)


def test_maps_and_tokens_give_the_same_output():
    module = FullAttention(6, 8, 2)
    x = torch.rand(2, 3, 5, 6)
    torch.testing.assert_close(module(x.flatten(1, 2)), module(x).flatten(1, 2))


def test_large_batches_are_split(monkeypatch):
    q, k, v = torch.rand(3, 10, 2, 4, 8)
    biases = None, torch.rand(10, 1, 4, 4), torch.rand(1, 2, 4, 4)
    whole = [attention.scaled_dot_product(q, k, v, bias) for bias in biases]
    monkeypatch.setattr(attention, 'CUDA_BATCH_LIMIT', 4)
    monkeypatch.setattr(torch.Tensor, 'is_cuda', True)
    split = [attention.scaled_dot_product(q, k, v, bias) for bias in biases]
    torch.testing.assert_close(split, whole)
