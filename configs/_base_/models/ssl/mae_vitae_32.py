# The same for images of 32x32.
_base_ = './mae_vitae_demo.py'
arch = dict(dims=(192,), depths=(6,), num_heads=(3,), groups=(48,), ratios=(4,))
model = dict(
    backbone=dict(arch=arch, img_size=32),
    neck=dict(patch_size=4, embed_dim=192),
    head=dict(patch_size=4),
)
