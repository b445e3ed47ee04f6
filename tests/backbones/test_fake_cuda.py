"""Networks on a simulated GPU: a tensor that is made on the wrong device raises.

PyTorch's fake tensors have a shape, a dtype and a device, but no values. They need no GPU.
"""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.layers import PerformerAttention, attention
from vitae_mm.necks import SimpleFeaturePyramid
from vitae_mm.selfsup import MaskedViTAE

from ..helpers.archs import NARROW, TWO_STAGES
from ..helpers.stacks import needs_torch

pytestmark = needs_torch('2.6', 'simulating a GPU without a driver')

# network, arch, options, size of the images, shapes of the outputs
CASES = {
    'vitaev2-small': (
        ViTAEv2,
        'small',
        dict(out_indices=(0, 1, 2, 3)),
        (2, 3, 224, 224),
        [(2, 64, 56, 56), (2, 128, 28, 28), (2, 256, 14, 14), (2, 512, 7, 7)],
    ),
    'vitae-tiny': (ViTAE, 'tiny', {}, (2, 3, 224, 224), [(2, 256, 14, 14)]),
    'vitae-base': (ViTAE, 'base', {}, (2, 3, 224, 224), [(2, 768, 14, 14)]),
    'ceit-tiny': (CeiT, 'tiny', dict(out_type='cls_token'), (2, 3, 224, 224), [(2, 192)]),
    'odd-size': (
        *NARROW['vitaev2'],
        dict(out_indices=(0, 3)),
        (2, 3, 75, 131),
        [(2, 8, 19, 33), (2, 32, 3, 5)],
    ),
    'resized-positions': (*NARROW['ceit'], {}, (2, 3, 75, 131), [(2, 16, 5, 9)]),
    'shifted-windows': (
        ViTAEv2,
        dict(TWO_STAGES, depths=(2, 1)),
        dict(shift_window=True, relative_position=True),
        (2, 3, 160, 224),
        [(2, 16, 20, 28)],
    ),
    'performer': (
        ViTAEv2,
        TWO_STAGES,
        dict(attention=['performer'] * 2),
        (2, 3, 64, 96),
        [(2, 16, 8, 12)],
    ),
    'class-token': (*NARROW['vitae_patch'], dict(out_type='cls_token'), (2, 3, 64, 96), [(2, 16)]),
    'sinusoids': (
        *NARROW['vitae'],
        dict(class_token=True, position='sinusoid', final_norm='tokens', out_type='cls_token'),
        (2, 3, 64, 96),
        [(2, 16)],
    ),
    'checkpointing': (
        *NARROW['vitae'],
        dict(with_cp=True, drop_path_rate=0.2),
        (2, 3, 64, 96),
        [(2, 16, 4, 6)],
    ),
    'masked': (
        MaskedViTAE,
        NARROW['vitae_patch'][1],
        dict(pcm_kernel_size=3),
        (2, 3, 224, 224),
        [(2, 50, 16), (2, 196), (2, 196)],
    ),
    # 56 x 56 windows in the first stage of each of 21 images
    'many-windows': (ViTAEv2, TWO_STAGES, {}, (21, 3, 1568, 1568), [(21, 16, 196, 196)]),
}


@pytest.fixture(autouse=True)
def fake_tensors():
    # fallbacks would compute operators on the CPU that cannot be simulated
    with FakeTensorMode(allow_fallback_kernels=False):
        yield


@pytest.fixture
def autocast(monkeypatch):
    """Returns ``torch.autocast`` for CUDA, which refuses to work without a GPU."""
    monkeypatch.setattr(torch.cuda.amp.common, 'amp_definitely_not_available', lambda: False)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda *_: True)
    return lambda dtype: torch.autocast('cuda', dtype=dtype)


def move(module, device):
    """``module.to(device)``, which does not support fake tensors."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                moved = parameter.detach().to(device)
                part._parameters[name] = nn.Parameter(moved, parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = buffer.to(device)
    return module


@pytest.mark.parametrize('network, arch, options, size, shapes', CASES.values(), ids=CASES)
def test_outputs_are_on_the_device_of_the_images(network, arch, options, size, shapes):
    model = move(network(arch, **options), 'cuda')
    images = torch.empty(size, device='cuda')
    for train in (False, True):
        outputs = model.train(train)(images)
        assert [tuple(output.shape) for output in outputs] == shapes
        assert all(output.is_cuda for output in outputs)
    assert all(value.is_cuda for value in model.state_dict().values())


@pytest.mark.parametrize(
    'name', [name for name, case in CASES.items() if isinstance(case[1], dict)]
)
def test_gradients_are_on_the_device_of_the_images(name):
    network, arch, options, size, _ = CASES[name]
    # the autograd engine asks the driver for each CUDA device; 'meta' is not the CPU either
    model = move(network(arch, **options), 'meta').train()
    outputs = model(torch.empty(size, device='meta'))
    sum(output.sum() for output in outputs if output.requires_grad).backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert trained and all(p.grad.device.type == 'meta' for p in trained)


@pytest.mark.parametrize('biased', [False, True], ids=['plain', 'biased'])
def test_more_windows_than_a_kernel_accepts_are_split(biased, monkeypatch):
    plain, batches = F.scaled_dot_product_attention, []

    def recorded(q, k, v, attn_mask=None):
        assert len(q) == len(k) == len(v) and (attn_mask is None) != biased
        assert attn_mask is None or len(attn_mask) == len(q)
        batches.append(len(q))
        return plain(q, k, v, attn_mask=attn_mask)

    monkeypatch.setattr(F, 'scaled_dot_product_attention', recorded)
    q, k, v = torch.empty(3, 150_000, 2, 49, 8, device='cuda')
    bias = torch.empty(1, 2, 49, 49, device='cuda') if biased else None
    out = attention.scaled_dot_product(q, k, v, bias)
    assert out.shape == q.shape and out.is_cuda
    assert batches == [65_535, 65_535, 18_930]


@pytest.mark.parametrize('num_outs', [4, 5])
def test_the_feature_pyramid_is_on_the_device_of_the_map(num_outs):
    neck = move(SimpleFeaturePyramid(16, 8, num_outs=num_outs), 'cuda')
    outputs = neck([torch.empty(2, 16, 7, 9, device='cuda')])
    sizes = [(28, 36), (14, 18), (7, 9), (4, 5), (2, 3)]
    assert [tuple(output.shape) for output in outputs] == [(2, 8, *s) for s in sizes[:num_outs]]
    assert all(output.is_cuda and output.is_contiguous() for output in outputs)


class MakesATensor(ViTAE):
    """Makes a tensor on the default device, the CPU."""

    def _to_map(self, x):
        return super()._to_map(x) + torch.zeros(3)


class KeepsATensor(ViTAE):
    """Keeps a tensor in an attribute that is not a buffer, and is not moved with the network."""

    def __init__(self, arch):
        super().__init__(arch)
        self.mean = torch.zeros(3)

    def _to_map(self, x):
        return super()._to_map(x) - self.mean


@pytest.mark.parametrize('network', [MakesATensor, KeepsATensor])
def test_a_tensor_on_the_cpu_is_found(network):
    for device in ('cuda', 'meta'):
        model = move(network(NARROW['vitae'][1]), device)
        with pytest.raises(RuntimeError, match='two different devices'):
            model(torch.empty(2, 3, 64, 96, device=device))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16], ids=['bf16', 'fp16'])
@pytest.mark.parametrize('name', NARROW)
def test_norms_and_exponentials_are_in_float32_under_autocast(name, dtype, autocast, monkeypatch):
    phi, exponents = PerformerAttention.phi, set()

    def recorded(self, x):
        y = phi(self, x)
        exponents.update([x.dtype, y.dtype])
        return y

    monkeypatch.setattr(PerformerAttention, 'phi', recorded)
    network, arch = NARROW[name]
    model = move(network(arch), 'cuda').train()
    seen = {kind: set() for kind in (nn.LayerNorm, nn.Linear, nn.Conv2d)}
    for module in model.modules():
        if type(module) in seen:
            module.register_forward_hook(
                lambda module, _, output: seen[type(module)].add(output.dtype)
            )
    with autocast(dtype):
        model(torch.empty(2, 3, 64, 96, device='cuda'))
    assert seen == {nn.LayerNorm: {torch.float32}, nn.Linear: {dtype}, nn.Conv2d: {dtype}}
    assert exponents == ({torch.float32} if name == 'vitae' else set())
