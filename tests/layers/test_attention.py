import pytest
import torch

from vitae_mm.layers import FullAttention, PerformerAttention, WindowAttention, attention
from vitae_mm.layers.window_attention import position_index


def plain_softmax(x, module, bias=None):
    """softmax(q k^T / sqrt(d)) v and the projection; tokens (N, C)."""
    heads, dim = module.num_heads, module.proj.in_features
    q, k, v = (x @ module.qkv.weight.T + (0 if module.qkv.bias is None else module.qkv.bias)).split(
        dim, dim=-1
    )
    outs = []
    for h in range(heads):
        part = slice(h * dim // heads, (h + 1) * dim // heads)
        logits = q[:, part] @ k[:, part].T / (dim // heads) ** 0.5
        logits = logits if bias is None else logits + bias[h]
        outs.append(logits.softmax(-1) @ v[:, part])
    out = module.proj(torch.cat(outs, -1))
    return out + v if module.value_skip else out


@pytest.mark.parametrize('qkv_bias, value_skip', [(True, False), (False, True)])
def test_full_attention_equals_the_equation(qkv_bias, value_skip):
    module = FullAttention(6, 8, 2, qkv_bias, value_skip).double()
    x = torch.rand(2, 3, 5, 6).double()
    ours = module(x)
    assert ours.shape == (2, 3, 5, 8)
    for sample, out in zip(x, ours, strict=True):
        assert torch.allclose(plain_softmax(sample.flatten(0, 1), module), out.flatten(0, 1))


def test_large_batches_are_chunked(monkeypatch):
    q, k, v = torch.rand(3, 10, 2, 4, 8)
    bias = torch.rand(10, 1, 4, 4)
    whole = [attention.scaled_dot_product(q, k, v, b) for b in (None, bias)]
    monkeypatch.setattr(attention, 'CUDA_BATCH_LIMIT', 4)
    monkeypatch.setattr(torch.Tensor, 'is_cuda', True)
    chunked = [attention.scaled_dot_product(q, k, v, b) for b in (None, bias)]
    for a, b in zip(whole, chunked, strict=True):
        assert torch.allclose(a, b)


def test_window_attention_lets_padding_take_part():
    module = WindowAttention(6, 8, 2, window_size=4).double()
    x = torch.rand(1, 3, 4, 6).double()
    padded = torch.cat([x, torch.zeros(1, 1, 4, 6)], dim=1)  # smaller half first: 0 above
    plain = plain_softmax(padded[0].flatten(0, 1), module).unflatten(0, (4, 4))[:3]
    assert torch.allclose(module(x)[0], plain)


def test_windows_do_not_see_each_other():
    module = WindowAttention(4, 4, 1, window_size=4)
    x = torch.rand(1, 8, 8, 4)
    changed = x.clone()
    changed[:, :4, :4] += 1
    differ = (module(x) != module(changed)).any(-1)[0]
    assert differ[:4, :4].all() and differ.sum() == 16


def test_shifted_windows_see_across():
    module = WindowAttention(4, 4, 1, window_size=4, shifted=True)
    x = torch.rand(1, 8, 8, 4)
    changed = x.clone()
    changed[:, 3, 3] += 1
    differ = (module(x) != module(changed)).any(-1)[0]
    # the shifted window of that cell is rows and columns 2 to 5
    assert differ[2:6, 2:6].all() and differ.sum() == 16


def test_a_single_window_is_not_shifted():
    plain = WindowAttention(4, 4, 1, window_size=4)
    shifted = WindowAttention(4, 4, 1, window_size=4, shifted=True)
    shifted.load_state_dict(plain.state_dict())
    x = torch.rand(1, 4, 4, 4)
    assert torch.equal(plain(x), shifted(x))


def test_relative_position_is_read_by_offset():
    module = WindowAttention(4, 4, 2, window_size=3, relative_position=True).double()
    module.position_bias.data = torch.rand(25, 2).double()
    x = torch.rand(1, 3, 3, 4).double()
    cells = [(r, c) for r in range(3) for c in range(3)]
    bias = torch.stack(
        [
            torch.stack(
                [module.position_bias[(a[0] - b[0] + 2) * 5 + a[1] - b[1] + 2] for b in cells]
            )
            for a in cells
        ]
    ).permute(2, 0, 1)
    assert torch.allclose(
        module(x)[0].flatten(0, 1), plain_softmax(x[0].flatten(0, 1), module, bias)
    )
    assert position_index(3).unique().numel() == 25


def test_shift_and_relative_position_go_together_in_a_batch():
    module = WindowAttention(4, 4, 2, 4, shifted=True, relative_position=True)
    x = torch.rand(3, 8, 12, 4)
    together = module(x)
    for sample, out in zip(x, together, strict=True):
        assert torch.allclose(module(sample[None])[0], out, atol=1e-6)


@pytest.mark.parametrize('heads', [1, 2])
def test_performer_equals_the_equation(heads):
    module = PerformerAttention(6, 8, heads).double().eval()
    x = torch.rand(1, 3, 5, 6).double()
    tokens = x[0].flatten(0, 1)
    k, q, v = module.kqv(tokens).split(8, dim=-1)
    dim = 8 // heads
    outs = []
    for h in range(heads):
        part = slice(h * dim, (h + 1) * dim)

        def phi(z):
            w = module.features.double()
            return torch.stack([torch.exp(w @ t - t @ t / 2) / len(w) ** 0.5 for t in z])

        weights = phi(q[:, part]) @ phi(k[:, part]).T
        outs.append(weights @ v[:, part] / (weights.sum(1, keepdim=True) + 1e-8))
    plain = module.proj(torch.cat(outs, -1)) + v
    # the exponentials are taken in float32
    assert torch.allclose(module(x)[0].flatten(0, 1), plain, atol=1e-6)


def test_performer_features_are_orthogonal_and_saved():
    module = PerformerAttention(8, 16, 1)
    gram = module.features @ module.features.T
    assert torch.allclose(gram, 8 * torch.eye(8), atol=1e-5)
    assert 'features' in module.state_dict()


def test_performer_stays_finite_under_autocast():
    module = PerformerAttention(8, 16, 1)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = module(4 * torch.randn(2, 9, 9, 8))
    out.float().sum().backward()
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in module.parameters())


def test_performer_stays_finite_where_features_are_largest():
    """Aligned queries and keys: each exponential is exp(m / 2), here exp(48)."""
    torch.manual_seed(0)
    module = PerformerAttention(192, 192, num_heads=1).eval()
    row = module.features[0].expand(1, 1, 50, 192)
    v = torch.randn(1, 1, 50, 192)
    # equal keys: the mean of the values
    out = module._attend(row, row, v)
    assert torch.allclose(out, v.mean(2, keepdim=True).expand_as(out), atol=1e-5)
