import torch

from vitae_mm.layers import PatchEmbedding


def test_projects_each_patch():
    module = PatchEmbedding(3, 8, 4)
    x = torch.rand(2, 8, 12, 3)
    # (B, H, W, C) -> (B, rows, 4, columns, 4, C) -> (B, rows, columns, C * 4 * 4)
    patches = x.reshape(2, 2, 4, 3, 4, 3).permute(0, 1, 3, 5, 2, 4).flatten(3)
    plain = patches @ module.proj.weight.flatten(1).T + module.proj.bias
    torch.testing.assert_close(module(x), plain)
