"""Attention written out head by head."""

import torch


def softmax_attention(module, tokens, bias=None):
    """softmax(q k^T / sqrt(d) + bias) v and the projection, for one map's tokens.

    Tokens (N, C) -> (N, D); bias (heads, N, N).
    """
    heads, dim = module.num_heads, module.proj.in_features
    q, k, v = module.qkv(tokens).split(dim, dim=-1)
    outs = []
    for h in range(heads):
        part = slice(h * dim // heads, (h + 1) * dim // heads)
        logits = q[:, part] @ k[:, part].T / (dim // heads) ** 0.5
        logits = logits if bias is None else logits + bias[h]
        outs.append(logits.softmax(-1) @ v[:, part])
    out = module.proj(torch.cat(outs, -1))
    return out + v if module.value_skip else out
