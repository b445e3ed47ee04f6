"""ViTAE as functions of the published state dict, one for T/6M/13M/S and one for B/L/H."""

import torch

from . import blocks

KERNELS = (7, 3, 3)
RATIOS = (4, 2, 2)
DILATIONS = ((1, 2, 3, 4), (1, 2, 3), (1, 2))
PATCH = 16
HEAD_EPS = 1e-6

DEPTHS = {'tiny': 7, '6m': 10, '13m': 11, 'small': 14, 'base': 12, 'large': 24, 'huge': 32}
HEADS = {'tiny': 4, '6m': 4, '13m': 5, 'small': 6, 'base': 12, 'large': 16, 'huge': 16}


def vitae(state, image, arch, train=False):
    """T/6M/13M/S: (B, 3, H, W) -> features (B, D), logits (B, classes)."""
    x = image
    for index in range(2):
        x = blocks.pad_to_multiple(x, RATIOS[index])
        x = blocks.reduction_cell_performer(
            state, f'layers.{index}.RC.', x, KERNELS[index], RATIOS[index], DILATIONS[index], train
        )
    x = blocks.pad_to_multiple(x, RATIOS[2])
    x = blocks.pyramid_reduction(state, 'layers.2.RC.PRM.', x, KERNELS[2], RATIOS[2], DILATIONS[2])
    for depth in range(DEPTHS[arch]):
        x = blocks.normal_cell_full(
            state,
            f'layers.2.NC.{depth}.',
            x,
            HEADS[arch],
            blocks.parallel_conv_normal_isotropic,
            train,
        )
    return blocks.classify(state, x.mean(dim=(2, 3)))


def vitae_patch(state, image, arch, train=False):
    """B/L/H: (B, 3, H, W) -> features (B, D), logits (B, classes)."""
    x = blocks.conv(
        state, 'layers.0.RC.PRM.proj.', blocks.pad_to_multiple(image, PATCH), stride=PATCH
    )
    size = x.shape[2:]
    class_token = state['layers.0.RC.cls_token'].expand(len(x), -1, -1)
    tokens = torch.cat([class_token, blocks.to_tokens(x)], dim=1)
    tokens = tokens + state['layers.0.RC.pos_embed']
    for depth in range(DEPTHS[arch]):
        tokens = blocks.normal_cell_class_token(
            state, f'layers.2.NC.{depth}.', tokens, size, HEADS[arch], train=train
        )
    features = blocks.layer_norm(state, 'fc_norm.', tokens[:, 1:].mean(dim=1), HEAD_EPS)
    return blocks.classify(state, features)
