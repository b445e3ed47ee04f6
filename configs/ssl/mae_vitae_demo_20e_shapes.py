# Masked pretraining of a narrow ViTAE on the demo shapes, without labels.
# bash tools/dist_train.sh configs/ssl/mae_vitae_demo_20e_shapes.py 2
_base_ = [
    '../_base_/models/mae_small.py',
    '../_base_/datasets/shapes_images.py',
    '../_base_/schedules/mae_small.py',
    '../_base_/runtime/cls.py',
]
arch = dict(dims=(128,), depths=(4,), num_heads=(4,), groups=(32,), ratios=(8,))
model = dict(
    backbone=dict(arch=arch, img_size=64),
    neck=dict(patch_size=8, embed_dim=128),
    head=dict(patch_size=8),
)
