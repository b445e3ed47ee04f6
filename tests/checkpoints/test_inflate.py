"""1x1 kernels become 3x3 kernels with the same output."""

import pytest
import torch

from vitae_mm.backbones import ViTAE
from vitae_mm.checkpoints import inflate_state_dict
from vitae_mm.errors import InputError
from vitae_mm.selfsup import MaskedViTAE

ARCH = dict(dims=(32,), depths=(2,), num_heads=(2,), groups=(8,), ratios=(4,))
WIDER = dict(ARCH, dims=(64,))


def pretrained(path, arch=ARCH, img_size=32, **options):
    """A checkpoint of masked pretraining, and its encoder."""
    torch.manual_seed(0)
    model = MaskedViTAE(arch, img_size, **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand_like(parameter) * 0.02)
        for name, value in model.named_buffers():
            if name.endswith('running_var'):
                value.uniform_(0.5, 2.0)
    state = {f'backbone.{key}': value for key, value in model.state_dict().items()}
    torch.save(dict(state_dict={**state, 'neck.mask_token': torch.zeros(1, 1, 16)}), path)
    return model


def finetuned(path, kernel, arch=ARCH, img_size=32, **options):
    model = ViTAE(
        arch,
        img_size=img_size,
        class_token=True,
        out_type='avg_featmap',
        pcm_kernel_size=kernel,
        init_cfg=dict(type='Pretrained', checkpoint=str(path)),
        **options,
    )
    model.init_weights()
    return model.eval()


@pytest.mark.parametrize(
    'arch, img_size',
    [(ARCH, 32), pytest.param('base', 224, marks=pytest.mark.slow)],
    ids=['narrow', 'base'],
)
def test_the_inflated_network_gives_the_same_output(arch, img_size, tmp_path):
    pretrained(tmp_path / 'a.pth', arch, img_size)
    x = torch.rand(2, 3, img_size, img_size)
    with torch.no_grad():
        one, three = (
            finetuned(tmp_path / 'a.pth', kernel, arch, img_size)(x)[0] for kernel in (1, 3)
        )
    scale = one.abs().max()
    assert (one - three).abs().max() / scale < 1e-6
    # the added zeros are trained
    network = finetuned(tmp_path / 'a.pth', 3, arch, img_size)
    network(x)[0].square().sum().backward()
    gradient = network.stages[0].cells[0].pcm.conv1.weight.grad
    assert (gradient[..., 0, 0] != 0).any()


def test_converting_equals_inflating_while_loading(tmp_path):
    pretrained(tmp_path / 'a.pth')
    state, count = inflate_state_dict(torch.load(tmp_path / 'a.pth')['state_dict'])
    assert count == 4 and 'neck.mask_token' in state
    torch.save(dict(state_dict=state), tmp_path / 'b.pth')
    first, second = (finetuned(tmp_path / name, 3).state_dict() for name in ('a.pth', 'b.pth'))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_3x3_kernels_do_not_change(tmp_path):
    pretrained(tmp_path / 'a.pth', pcm_kernel_size=3)
    state = torch.load(tmp_path / 'a.pth')['state_dict']
    same, count = inflate_state_dict(state)
    assert count == 0 and same.keys() == state.keys()
    assert all(torch.equal(same[key], value) for key, value in state.items())


def test_dense_models_ignore_the_norm_of_the_encoder(tmp_path):
    model = pretrained(tmp_path / 'a.pth')
    dense = ViTAE(
        ARCH, img_size=64, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth'))
    )
    dense.init_weights()
    assert dense(torch.rand(1, 3, 64, 64))[0].shape == (1, 32, 16, 16)
    weight = model.stages[0].cells[1].pcm.conv2.weight
    assert torch.equal(dense.stages[0].cells[1].pcm.conv2.weight[..., 1, 1], weight[..., 0, 0])


def test_another_width_is_rejected(tmp_path):
    pretrained(tmp_path / 'a.pth')
    with pytest.raises(InputError, match='of another shape: stages.0.reduction.proj.weight'):
        finetuned(tmp_path / 'a.pth', 3, WIDER)


def test_the_encoder_of_another_kernel_is_rejected(tmp_path):
    model = ViTAE(ARCH, img_size=32, class_token=True, position='learned', final_norm='tokens')
    torch.save(model.state_dict(), tmp_path / 'a.pth')
    masked = MaskedViTAE(
        ARCH, 32, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth'))
    )
    with pytest.raises(InputError, match=r'pcm.conv1.weight \(128, 4, 3, 3\) for'):
        masked.init_weights()


def test_only_encoders_are_inflated():
    with pytest.raises(InputError, match='no backbone of vitae_mm'):
        inflate_state_dict({'conv1.weight': torch.ones(1, 1, 1, 1)})
