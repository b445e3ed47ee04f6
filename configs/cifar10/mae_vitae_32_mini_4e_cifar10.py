# Masked pretraining of a narrow ViTAE on a fifth of CIFAR-10 without labels, batch 64:
# 40,000 images seen.
# python tools/train.py configs/cifar10/mae_vitae_32_mini_4e_cifar10.py
_base_ = [
    '../_base_/models/mae_small.py',
    '../_base_/datasets/cifar10_images.py',
    '../_base_/schedules/mae_small.py',
    '../_base_/runtime/cls.py',
]
arch = dict(dims=(96,), depths=(4,), num_heads=(3,), groups=(24,), ratios=(4,))
model = dict(
    backbone=dict(arch=arch, img_size=32),
    neck=dict(patch_size=4, embed_dim=96, decoder_embed_dim=64, decoder_depth=1),
    head=dict(patch_size=4),
)
train_cfg = dict(max_epochs=4)
