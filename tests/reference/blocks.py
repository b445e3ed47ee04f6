"""The blocks of ViTAE, ViTAEv2 and CeiT as plain functions.

This second implementation is independent of the package, so that tests can compare the two.
Every function takes a state dict with the published names and the `prefix` of its block, which is
empty or ends in a dot. A map is (B, C, H, W); tokens are (B, N, C) with N = H * W, row by row.
Batch norms use batch statistics if `train` is true, and running statistics, which are never
updated, otherwise. Dropout and stochastic depth are omitted: their rate is 0.
"""

import math

import torch
import torch.nn.functional as F

NORMAL_CELL_EPS = 1e-6
REDUCTION_CELL_EPS = 1e-5
PERFORMER_EPS = 1e-8


# Parts


def linear(state, prefix, x):
    """(..., C_in) -> (..., C_out), with a bias if there is one."""
    return F.linear(x, state[prefix + 'weight'], state.get(prefix + 'bias'))


def gelu(x):
    """Gaussian Error Linear Units (Hendrycks and Gimpel), x times the normal distribution.

    Not PyTorch's: with PyTorch 2.1 on CPUs, the gradient of a contiguous map is not computed if the
    gradient of the output is in channels-last format.
    """
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def conv(state, prefix, x, stride=1, padding=0, dilation=1):
    """(B, C_in, H, W) -> (B, C_out, H', W'); the shape of the weight gives the groups."""
    weight = state[prefix + 'weight']
    groups = x.shape[1] // weight.shape[1]
    return F.conv2d(x, weight, state.get(prefix + 'bias'), stride, padding, dilation, groups)


def conv3x3(state, prefix, x, stride=1):
    """(B, C_in, H, W) -> (B, C_out, ceil(H / stride), ceil(W / stride))."""
    return conv(state, prefix, x, stride, padding=1)


def batch_norm(state, prefix, x, train):
    """(B, C, H, W) -> (B, C, H, W)."""
    weight, bias = state[prefix + 'weight'], state[prefix + 'bias']
    if train:
        return F.batch_norm(x, None, None, weight, bias, training=True)
    mean, variance = state[prefix + 'running_mean'], state[prefix + 'running_var']
    return F.batch_norm(x, mean, variance, weight, bias, training=False)


def layer_norm(state, prefix, x, eps):
    """(..., C) -> (..., C)."""
    weight, bias = state[prefix + 'weight'], state[prefix + 'bias']
    return F.layer_norm(x, weight.shape, weight, bias, eps)


def to_tokens(x):
    """(B, C, H, W) -> (B, H * W, C)."""
    return x.flatten(2).transpose(1, 2)


def to_map(tokens, height, width):
    """(B, H * W, C) -> (B, C, H, W)."""
    batch, _, channels = tokens.shape
    return tokens.transpose(1, 2).reshape(batch, channels, height, width)


def pad_to_multiple(x, ratio):
    """Zero-pads (B, C, H, W) at the right and bottom until `ratio` divides H and W."""
    return F.pad(x, (0, -x.shape[3] % ratio, 0, -x.shape[2] % ratio))


# Attention


def split_heads(x, heads):
    """(B, N, heads * d) -> (B, heads, N, d)."""
    batch, length, channels = x.shape
    return x.reshape(batch, length, heads, channels // heads).transpose(1, 2)


def merge_heads(x):
    """(B, heads, N, d) -> (B, N, heads * d)."""
    return x.transpose(1, 2).flatten(2)


def softmax_attention(query, key, value, heads):
    """softmax(Q K^T / sqrt(d)) V: (B, N, D), (B, M, D), (B, M, D) -> (B, N, D)."""
    query, key, value = (split_heads(x, heads) for x in (query, key, value))
    scores = torch.matmul(query, key.transpose(2, 3)) / math.sqrt(query.shape[-1])
    return merge_heads(torch.matmul(scores.softmax(dim=-1), value))


def full_attention(state, prefix, tokens, heads):
    """Keys `qkv` and `proj`: (B, N, C) -> (B, N, D)."""
    query, key, value = linear(state, prefix + 'qkv.', tokens).chunk(3, dim=-1)
    return linear(state, prefix + 'proj.', softmax_attention(query, key, value, heads))


def full_attention_plus_value(state, prefix, tokens, heads):
    """Full attention of a reduction cell, plus the values: (B, N, C) -> (B, N, D)."""
    query, key, value = linear(state, prefix + 'qkv.', tokens).chunk(3, dim=-1)
    attended = softmax_attention(query, key, value, heads)
    return linear(state, prefix + 'proj.', attended) + value


def pad_to_windows(x, window):
    """Zero-pads both sides to a multiple of the window; returns the rows added at the top and the
    columns added at the left as well."""
    extra_rows, extra_columns = -x.shape[2] % window, -x.shape[3] % window
    top, left = extra_rows // 2, extra_columns // 2
    x = F.pad(x, (left, extra_columns - left, top, extra_rows - top))
    return x, top, left


def to_windows(x, window):
    """(B, C, H, W) -> (B * H/w * W/w, w * w, C)."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // window, window, width // window, window)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(-1, window * window, channels)


def from_windows(windows, window, height, width):
    """(B * H/w * W/w, w * w, C) -> (B, C, H, W)."""
    rows, columns, channels = height // window, width // window, windows.shape[-1]
    x = windows.reshape(-1, rows, columns, window, window, channels)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(-1, channels, height, width)


def window_attention(state, prefix, x, heads, window):
    """Full attention within each window: (B, C, H, W) -> (B, D, H, W)."""
    height, width = x.shape[2:]
    x, top, left = pad_to_windows(x, window)
    attended = full_attention(state, prefix, to_windows(x, window), heads)
    x = from_windows(attended, window, *x.shape[2:])
    return x[:, :, top : top + height, left : left + width]


def random_features(x, directions):
    """phi(x) = exp(w x - |x|^2 / 2) / sqrt(m): (B, N, d), (m, d) -> (B, N, m)."""
    half_square = x.square().sum(dim=-1, keepdim=True) / 2
    return torch.exp(torch.matmul(x, directions.T) - half_square) / math.sqrt(len(directions))


def performer_attention(state, prefix, tokens):
    """One head; keys `kqv`, `proj` and random directions `w`: (B, N, C) -> (B, N, D)."""
    key, query, value = linear(state, prefix + 'kqv.', tokens).chunk(3, dim=-1)
    key = random_features(key, state[prefix + 'w'])
    query = random_features(query, state[prefix + 'w'])
    scores = torch.matmul(query, key.transpose(1, 2))  # (B, N, N)
    weights = scores / (scores.sum(dim=-1, keepdim=True) + PERFORMER_EPS)
    return linear(state, prefix + 'proj.', torch.matmul(weights, value)) + value


# Feed-forward networks


def feed_forward(state, prefix, tokens, first='fc1.', second='fc2.'):
    """Linear, GELU, linear: (B, N, D) -> (B, N, D)."""
    return linear(state, prefix + second, gelu(linear(state, prefix + first, tokens)))


# Convolution branches


def pyramid_reduction(state, prefix, x, kernel, ratio, dilations):
    """PRM with keys `convs.i.0`: (B, C_in, H, W) -> (B, |S| * E, H / r, W / r)."""
    branches = []
    for index, dilation in enumerate(dilations):
        padding = math.ceil(((kernel - 1) * dilation + 1 - ratio) / 2)
        branch = conv(state, f'{prefix}convs.{index}.0.', x, ratio, padding, dilation)
        branches.append(gelu(branch))
    return torch.cat(branches, dim=1)


def reduction_strides(ratio):
    """Strides of the three convolutions beside a reduction by r."""
    return {4: (2, 2, 1), 2: (2, 1, 1)}[ratio]


def parallel_conv_reduction(state, prefix, x, ratio, train=False):
    """PCM of a ViTAEv2 reduction cell: (B, C_in, H, W) -> (B, D, H / r, W / r)."""
    first, second, third = reduction_strides(ratio)
    x = conv3x3(state, prefix + '0.', x, first)
    x = F.silu(batch_norm(state, prefix + '1.', x, train))
    x = conv3x3(state, prefix + '3.', x, second)
    x = F.silu(batch_norm(state, prefix + '4.', x, train))
    return conv3x3(state, prefix + '6.', x, third)


def parallel_conv_reduction_isotropic(state, prefix, x, ratio, train=False):
    """PCM of a ViTAE reduction cell: (B, C_in, H, W) -> (B, D, H / r, W / r)."""
    first, second, third = reduction_strides(ratio)
    x = F.silu(conv3x3(state, prefix + '0.', x, first))
    x = conv3x3(state, prefix + '2.', x, second)
    x = F.silu(batch_norm(state, prefix + '3.', x, train))
    return F.silu(conv3x3(state, prefix + '5.', x, third))


def parallel_conv_normal(state, prefix, x, train=False):
    """PCM of a ViTAEv2 normal cell: (B, D, H, W) -> (B, D, H, W)."""
    x = conv3x3(state, prefix + '0.', x)
    x = F.silu(batch_norm(state, prefix + '1.', x, train))
    x = conv3x3(state, prefix + '3.', x)
    x = F.silu(batch_norm(state, prefix + '4.', x, train))
    return conv3x3(state, prefix + '6.', x)


def parallel_conv_normal_isotropic(state, prefix, x, train=False):
    """PCM of a ViTAE T/6M/13M/S normal cell: (B, D, H, W) -> (B, D, H, W)."""
    return F.silu(parallel_conv_normal(state, prefix, x, train))


def parallel_conv_shallow(state, prefix, x, train=False):
    """PCM of a ViTAE B/L/H normal cell: (B, D, H, W) -> (B, D, H, W)."""
    x = conv3x3(state, prefix + '0.', x)
    x = F.silu(batch_norm(state, prefix + '1.', x, train))
    return conv3x3(state, prefix + '3.', x)


# Cells


def reduction_cell_window(state, prefix, x, kernel, ratio, dilations, heads, window=7, train=False):
    """RC with attention W: (B, C_in, H, W) -> (B, D, H / r, W / r)."""
    pyramid = pyramid_reduction(state, prefix + 'PRM.', x, kernel, ratio, dilations)
    size = pyramid.shape[2:]
    normed = layer_norm(state, prefix + 'attn.norm1.', to_tokens(pyramid), REDUCTION_CELL_EPS)
    attended = window_attention(state, prefix + 'attn.attn.', to_map(normed, *size), heads, window)
    y = to_tokens(attended + parallel_conv_reduction(state, prefix + 'PCM.', x, ratio, train))
    normed = layer_norm(state, prefix + 'attn.norm2.', y, REDUCTION_CELL_EPS)
    return to_map(y + feed_forward(state, prefix + 'attn.mlp.', normed), *size)


def reduction_cell_full(state, prefix, x, kernel, ratio, dilations, heads, train=False):
    """RC with attention F: (B, C_in, H, W) -> (B, D, H / r, W / r)."""
    pyramid = pyramid_reduction(state, prefix + 'PRM.', x, kernel, ratio, dilations)
    normed = layer_norm(state, prefix + 'attn.norm1.', to_tokens(pyramid), REDUCTION_CELL_EPS)
    attended = full_attention_plus_value(state, prefix + 'attn.attn.', normed, heads)
    y = attended + to_tokens(parallel_conv_reduction(state, prefix + 'PCM.', x, ratio, train))
    normed = layer_norm(state, prefix + 'attn.norm2.', y, REDUCTION_CELL_EPS)
    return to_map(y + feed_forward(state, prefix + 'attn.mlp.', normed), *pyramid.shape[2:])


def reduction_cell_performer(state, prefix, x, kernel, ratio, dilations, train=False):
    """RC with attention P and the isotropic PCM: (B, C_in, H, W) -> (B, D, H / r, W / r)."""
    pyramid = pyramid_reduction(state, prefix + 'PRM.', x, kernel, ratio, dilations)
    normed = layer_norm(state, prefix + 'attn.norm1.', to_tokens(pyramid), REDUCTION_CELL_EPS)
    attended = performer_attention(state, prefix + 'attn.', normed)
    parallel = parallel_conv_reduction_isotropic(state, prefix + 'PCM.', x, ratio, train)
    y = attended + to_tokens(parallel)
    normed = layer_norm(state, prefix + 'attn.norm2.', y, REDUCTION_CELL_EPS)
    y = y + feed_forward(state, prefix + 'attn.mlp.', normed, '0.', '2.')
    return to_map(y, *pyramid.shape[2:])


def normal_cell_window(state, prefix, x, heads, window=7, train=False):
    """NC with window attention: (B, D, H, W) -> (B, D, H, W)."""
    size = x.shape[2:]
    normed = layer_norm(state, prefix + 'norm1.', to_tokens(x), NORMAL_CELL_EPS)
    attended = window_attention(state, prefix + 'attn.', to_map(normed, *size), heads, window)
    x = to_tokens(x + attended + parallel_conv_normal(state, prefix + 'PCM.', x, train))
    normed = layer_norm(state, prefix + 'norm2.', x, NORMAL_CELL_EPS)
    return to_map(x + feed_forward(state, prefix + 'mlp.', normed), *size)


def normal_cell_full(state, prefix, x, heads, parallel_conv=parallel_conv_normal, train=False):
    """NC with full attention: (B, D, H, W) -> (B, D, H, W)."""
    tokens = normal_cell_tokens(
        state, prefix, to_tokens(x), x.shape[2:], heads, 0, parallel_conv, train
    )
    return to_map(tokens, *x.shape[2:])


def normal_cell_class_token(
    state, prefix, tokens, size, heads, parallel_conv=parallel_conv_shallow, train=False
):
    """NC with full attention and the class token first: (B, 1 + N, D) -> (B, 1 + N, D)."""
    return normal_cell_tokens(state, prefix, tokens, size, heads, 1, parallel_conv, train)


def normal_cell_tokens(state, prefix, tokens, size, heads, extra, parallel_conv, train):
    """NC with full attention; the first `extra` tokens bypass PCM: (B, extra + N, D) -> same."""
    patches = to_map(tokens[:, extra:], *size)
    parallel = to_tokens(parallel_conv(state, prefix + 'PCM.', patches, train))
    normed = layer_norm(state, prefix + 'norm1.', tokens, NORMAL_CELL_EPS)
    y = tokens + full_attention(state, prefix + 'attn.', normed, heads)
    y = torch.cat([y[:, :extra], y[:, extra:] + parallel], dim=1)
    normed = layer_norm(state, prefix + 'norm2.', y, NORMAL_CELL_EPS)
    return y + feed_forward(state, prefix + 'mlp.', normed)


# CeiT


def image_to_tokens(state, prefix, image, train=False):
    """(B, 3, H, W) -> (B, H / 16 * W / 16, D)."""
    x = conv(state, prefix + 'backbone.conv.', image, stride=2, padding=3)
    x = batch_norm(state, prefix + 'backbone.bn.', x, train)
    x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)
    return to_tokens(conv(state, prefix + 'proj.', x, stride=4))


def local_feed_forward(state, prefix, tokens, size, train=False):
    """LeFF on the patch tokens; the class token stays: (B, 1 + N, D) -> (B, 1 + N, D)."""
    class_token, patches = tokens[:, :1], to_map(tokens[:, 1:], *size)
    x = conv(state, prefix + 'conv1.', patches)
    x = gelu(batch_norm(state, prefix + 'bn1.', x, train))
    x = conv3x3(state, prefix + 'conv2.', x)
    x = gelu(batch_norm(state, prefix + 'bn2.', x, train))
    x = conv(state, prefix + 'conv3.', x)
    x = batch_norm(state, prefix + 'bn3.', x, train)
    return torch.cat([class_token, to_tokens(x)], dim=1)


def ceit_block(state, prefix, tokens, size, heads, train=False):
    """Pre-norm attention, then LeFF: (B, 1 + N, D) -> (B, 1 + N, D)."""
    normed = layer_norm(state, prefix + 'norm1.', tokens, NORMAL_CELL_EPS)
    tokens = tokens + full_attention(state, prefix + 'attn.', normed, heads)
    normed = layer_norm(state, prefix + 'norm2.', tokens, NORMAL_CELL_EPS)
    return tokens + local_feed_forward(state, prefix + 'leff.', normed, size, train)


def layer_wise_class_attention(state, prefix, class_tokens, heads):
    """LCA over one class token per block; the last is the query: (B, L, D) -> (B, D)."""
    normed = layer_norm(state, prefix + 'norm1.', class_tokens, NORMAL_CELL_EPS)
    query, key, value = linear(state, prefix + 'attn.qkv.', normed).chunk(3, dim=-1)
    attended = softmax_attention(query[:, -1:], key, value, heads)  # (B, 1, D)
    x = class_tokens[:, -1:] + linear(state, prefix + 'attn.proj.', attended)
    normed = layer_norm(state, prefix + 'norm2.', x, NORMAL_CELL_EPS)
    return (x + feed_forward(state, prefix + 'feedforward.', normed))[:, 0]


# Head


def classify(state, features):
    """Features (B, D), and logits (B, classes) if there is a head."""
    if 'head.weight' not in state:
        return dict(features=features)
    return dict(features=features, logits=linear(state, 'head.', features))
