"""CeiT as one function of the published state dict."""

import torch

from . import blocks

DEPTH = 12
PATCH = 16
HEADS = dict(tiny=3, small=6, base=12)
FINAL_EPS = 1e-6


def ceit(state, image, arch, train=False):
    """(B, 3, H, W) -> features (B, D), logits (B, classes)."""
    image = blocks.pad_to_multiple(image, PATCH)
    size = (image.shape[2] // PATCH, image.shape[3] // PATCH)
    patches = blocks.image_to_tokens(state, 'i2t.', image, train)
    class_token = state['cls_token'].expand(len(image), -1, -1)
    tokens = torch.cat([class_token, patches], dim=1) + state['pos_embed']
    class_tokens = []
    for depth in range(DEPTH):
        tokens = blocks.ceit_block(state, f'blocks.{depth}.', tokens, size, HEADS[arch], train)
        class_tokens.append(tokens[:, 0])
    class_tokens = torch.stack(class_tokens, dim=1) + state['pos_layer_embed']  # (B, 12, D)
    last = blocks.layer_wise_class_attention(state, 'lca.', class_tokens, HEADS[arch])
    features = blocks.layer_norm(state, 'norm.', last, FINAL_EPS)
    return blocks.classify(state, features)
