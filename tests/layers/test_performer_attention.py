import pytest
import torch

from vitae_mm.layers import PerformerAttention


@pytest.mark.parametrize('heads', [1, 2])
def test_equals_the_equation(heads):
    module = PerformerAttention(6, 8, heads).double().eval()
    x = torch.rand(1, 3, 5, 6).double()
    tokens = x[0].flatten(0, 1)
    k, q, v = module.kqv(tokens).split(8, dim=-1)
    dim = 8 // heads
    w = module.features

    def phi(z):
        return torch.stack([torch.exp(w @ t - t @ t / 2) / len(w) ** 0.5 for t in z])

    outs = []
    for h in range(heads):
        part = slice(h * dim, (h + 1) * dim)
        weights = phi(q[:, part]) @ phi(k[:, part]).T
        outs.append(weights @ v[:, part] / (weights.sum(1, keepdim=True) + 1e-8))
    plain = module.proj(torch.cat(outs, -1)) + v
    torch.testing.assert_close(module(x)[0].flatten(0, 1), plain)


def test_features_are_orthogonal_and_saved():
    module = PerformerAttention(8, 16, 1)
    gram = module.features @ module.features.T
    assert torch.allclose(gram, 8 * torch.eye(8), atol=1e-5)
    assert 'features' in module.state_dict()


def test_stays_finite_under_autocast():
    module = PerformerAttention(8, 16, 1)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = module(4 * torch.randn(2, 9, 9, 8))
    out.float().sum().backward()
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in module.parameters())


def test_stays_finite_for_the_largest_features():
    """Aligned queries and keys: each exponential is exp(m / 2), here exp(48)."""
    torch.manual_seed(0)
    module = PerformerAttention(192, 192, num_heads=1).eval()
    row = module.features[0].expand(1, 1, 50, 192)
    v = torch.randn(1, 1, 50, 192)
    # equal keys: the mean of the values
    out = module._attend(row, row, v)
    assert torch.allclose(out, v.mean(2, keepdim=True).expand_as(out), atol=1e-5)
