"""Outputs, loss, gradients and errors of the masked encoder."""

import pytest
import torch
from mmpretrain.models import MAE
from torch.nn import functional as F

from vitae_mm.backbones import ViTAE
from vitae_mm.errors import InputError
from vitae_mm.layers import VisibleTokens
from vitae_mm.selfsup import MaskedViTAE

ARCH = dict(dims=(32,), depths=(2,), num_heads=(2,), groups=(8,), ratios=(4,))
NECK = dict(
    type='MAEPretrainDecoder',
    num_patches=64,
    patch_size=4,
    embed_dim=32,
    decoder_embed_dim=16,
    decoder_depth=1,
    decoder_num_heads=2,
)
kernels = pytest.mark.parametrize('kernel', [0, 1, 3])


def encoder(**options):
    torch.manual_seed(0)
    model = MaskedViTAE(**{**dict(arch=ARCH, img_size=32), **options})
    model.init_weights()
    with torch.no_grad():
        for name, value in model.named_buffers():
            if name.endswith(('running_mean', 'running_var')):
                value.uniform_(0.5, 1.5)
        for name, value in model.named_parameters():
            if name.endswith(('bias', 'norm1.weight')):
                value.uniform_(0.5, 1.0)
    return model


def pretraining(**options):
    torch.manual_seed(0)
    head = dict(
        type='MAEPretrainHead',
        patch_size=4,
        norm_pix=options.pop('norm_pix', True),
        loss=dict(type='PixelReconstructionLoss', criterion='L2'),
    )
    model = MAE(
        dict(type='vitae_mm.MaskedViTAE', arch=ARCH, img_size=32, **options),
        neck=NECK,
        head=head,
        data_preprocessor=dict(type='SelfSupDataPreprocessor'),
    )
    model.init_weights()
    return model


def images(count=2):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def order(seed=3):
    """The visible tokens that the next call draws."""
    torch.manual_seed(seed)
    drawn = VisibleTokens.draw(2, (8, 8), 0.75, torch.device('cpu'))
    torch.manual_seed(seed)
    return drawn


def pcm(cell, x):
    """The parallel convolutions of a map (B, C, H, W), written out."""
    convs = cell.pcm
    x = F.conv2d(x, convs.conv1.weight, convs.conv1.bias, padding=convs.conv1.padding, groups=8)
    norm = convs.norm1
    x = (x - norm.running_mean.view(-1, 1, 1)) / (norm.running_var.view(-1, 1, 1) + norm.eps).sqrt()
    x = x * norm.weight.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)
    return F.conv2d(
        x * x.sigmoid(), convs.conv2.weight, convs.conv2.bias, padding=convs.conv2.padding, groups=8
    )


def attention(cell, tokens):
    q, k, v = (
        part.unflatten(-1, (2, 16)).transpose(1, 2)
        for part in cell.attn.qkv(cell.norm1(tokens)).chunk(3, -1)
    )
    weights = (q @ k.transpose(-1, -2) / 16**0.5).softmax(-1)
    return cell.attn.proj((weights @ v).transpose(1, 2).flatten(2))


@kernels
def test_the_encoder_equals_its_equations(kernel):
    model, x = encoder(pcm_kernel_size=kernel).eval(), images()
    visible = order()
    latent, mask, restore = model(x)
    stage, rows = model.stages[0], torch.arange(2)[:, None]
    patches = F.unfold(x, 4, stride=4).transpose(1, 2)  # (B, 64, 48)
    proj = stage.reduction.proj
    position = stage.embedding.position
    tokens = patches @ proj.weight.flatten(1).T + proj.bias + position[:, 1:]
    tokens = tokens[rows, visible.indices]
    cls = (stage.embedding.cls_token + position[:, :1]).expand(2, -1, -1)
    tokens = torch.cat([cls, tokens], dim=1)
    for cell in stage.cells:
        local = torch.zeros_like(tokens)
        if kernel:
            grid = torch.zeros(2, 64, 32)
            grid[rows, visible.indices] = tokens[:, 1:]
            if kernel == 1:
                out = pcm(cell, tokens[:, 1:].transpose(1, 2).unsqueeze(-1)).squeeze(-1)
                local[:, 1:] = out.transpose(1, 2)
            else:
                out = pcm(cell, grid.transpose(1, 2).unflatten(-1, (8, 8))).flatten(2)
                local[:, 1:] = out.transpose(1, 2)[rows, visible.indices]
        tokens = tokens + attention(cell, tokens) + local
        tokens = tokens + cell.ffn.fc2(F.gelu(cell.ffn.fc1(cell.norm2(tokens))))
    assert torch.allclose(latent, model.norm(tokens), atol=1e-5)
    assert torch.equal(mask, visible.mask) and torch.equal(restore, visible.restore)


@kernels
def test_masked_pixels_do_not_change_the_output(kernel):
    model, x = encoder(pcm_kernel_size=kernel).eval(), images()
    visible = order()
    first = model(x)[0]
    patches = visible.mask.view(2, 1, 8, 8).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.manual_seed(3)
    assert torch.equal(model(x + 9 * patches)[0], first)


@pytest.mark.parametrize('norm_pix', [False, True])
def test_the_loss_covers_only_masked_patches(norm_pix):
    model, x = pretraining(norm_pix=norm_pix).eval(), images()
    visible = order()
    loss = model.loss(x, [])['loss']
    order()
    latent, _, restore = model.backbone(x)
    predicted = model.neck(latent, restore)
    total, count = 0.0, 0
    for b in range(2):
        for i in range(64):
            if not visible.mask[b, i]:
                continue
            top, left = i // 8 * 4, i % 8 * 4
            # pixel by pixel, channels last
            target = x[b, :, top : top + 4, left : left + 4].permute(1, 2, 0).flatten()
            if norm_pix:
                target = (target - target.mean()) / (target.var() + 1e-6).sqrt()
            total, count = total + ((predicted[b, i] - target) ** 2).mean(), count + 1
    assert count == 2 * 48
    assert loss.item() == pytest.approx((total / count).item(), rel=1e-5)


@kernels
def test_every_parameter_of_the_encoder_has_a_gradient(kernel):
    model = pretraining(pcm_kernel_size=kernel).train()
    model.loss(images(4), [])['loss'].backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {'backbone.stages.0.embedding.position', 'neck.decoder_pos_embed'}


@kernels
def test_checkpointing_does_not_change_training(kernel):
    results = []
    for with_cp in (False, True):
        model = pretraining(pcm_kernel_size=kernel, with_cp=with_cp).train()
        torch.manual_seed(5)
        loss = model.loss(images(4), [])['loss']
        loss.backward()
        results.append(
            [
                loss,
                *(p.grad for p in model.parameters() if p.requires_grad),
                *(value for _, value in model.named_buffers()),
            ]
        )
    for plain, recomputed in zip(*results, strict=True):
        torch.testing.assert_close(recomputed, plain)


def test_half_of_the_position_channels_encodes_rows_and_half_columns():
    position = encoder().stages[0].embedding.position
    assert (position[:, 0] == 0).all()
    grid = position[0, 1:].unflatten(0, (8, 8))
    # half of the channels encodes rows, the other half columns
    assert torch.equal(grid[:, 0, :16], grid[:, 5, :16])
    assert torch.equal(grid[0, :, 16:], grid[5, :, 16:])
    assert not torch.equal(grid[:, 0, 16:], grid[:, 5, 16:])


def test_without_masking_it_equals_the_network():
    model, x = encoder(pcm_kernel_size=3).eval(), images()
    plain = ViTAE(ARCH, img_size=32, class_token=True, position='learned', final_norm='tokens')
    plain.load_state_dict(model.state_dict())
    assert torch.equal(model(x, mask=None)[0], plain.eval()(x)[0])


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(mask_ratio=0), ['mask_ratio=0', 'between 0 and 1']),
        (dict(mask_ratio=1.0), ['mask_ratio=1.0', 'between 0 and 1']),
        (dict(mask_ratio='most'), ["mask_ratio='most'"]),
        (dict(mask_ratio=0.999), ['mask_ratio=0.999', 'all or none', '8x8']),
        (dict(img_size=30), ['img_size=30', 'multiples of 4']),
        (dict(img_size=(32, 16)), ['img_size=(32, 16)', 'square']),
        (dict(pcm_kernel_size=5), ['pcm_kernel_size=5', '(0, 1, 3)']),
        (dict(arch='tiny', img_size=224), ["arch='tiny'", "'base', 'large' or 'huge'"]),
    ],
)
def test_invalid_options_are_rejected(options, words):
    with pytest.raises(InputError) as error:
        encoder(**options)
    assert all(word in str(error.value) for word in words)


def test_images_of_another_size_are_rejected():
    with pytest.raises(InputError, match='images of 32x32, got 32x40: set img_size'):
        encoder()(torch.rand(2, 3, 32, 40))
