import torch
from torch.nn import functional as F

from vitae_mm.layers import LayerwiseClassAttention

from .equations import softmax_attention


def test_equals_the_equation():
    module = LayerwiseClassAttention(8, 2, 3).double()
    tokens = torch.rand(2, 3, 8).double()

    def norm(x, layer):
        return F.layer_norm(x, (8,), layer.weight, layer.bias, 1e-6)

    for sample, out in zip(tokens, module(tokens), strict=True):
        x = sample + module.position[0]
        last = x[-1:] + softmax_attention(module.attn, norm(x, module.norm1))[-1:]
        torch.testing.assert_close(out, last + module.ffn(norm(last, module.norm2)))
    assert module(tokens).shape == (2, 1, 8)


def test_all_class_tokens_are_read():
    module = LayerwiseClassAttention(8, 2, 3)
    tokens = torch.rand(1, 3, 8, requires_grad=True)
    module(tokens).square().sum().backward()
    assert (tokens.grad.abs().sum(-1) > 0).all()
