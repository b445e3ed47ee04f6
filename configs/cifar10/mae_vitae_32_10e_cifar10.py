# Masked pretraining of a narrow ViTAE on a fifth of CIFAR-10 without labels, batch 64:
# 100,000 images seen.
# python tools/train.py configs/cifar10/mae_vitae_32_10e_cifar10.py
_base_ = [
    '../_base_/models/mae_small.py',
    '../_base_/datasets/cifar10_images.py',
    '../_base_/schedules/mae_small.py',
    '../_base_/runtime/cls.py',
]
arch = dict(dims=(192,), depths=(6,), num_heads=(3,), groups=(48,), ratios=(4,))
model = dict(
    backbone=dict(arch=arch, img_size=32),
    neck=dict(patch_size=4, embed_dim=192),
    head=dict(patch_size=4),
)
train_cfg = dict(max_epochs=10)
