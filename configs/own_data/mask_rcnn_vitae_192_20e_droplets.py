# A small Mask R-CNN with a narrow ViTAE on the droplets, from scratch.
# python tools/train.py configs/own_data/mask_rcnn_vitae_192_20e_droplets.py
_base_ = [
    '../_base_/backbones/vitae_192.py',
    '../_base_/models/mask_rcnn_tiny.py',
    '../_base_/datasets/droplets.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/det.py',
]
neck = dict(type='vitae_mm.SimpleFeaturePyramid', in_channels=_base_.channels, out_channels=64)
model = dict(
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=dict(_delete_=True, **neck),
    rpn_head=dict(anchor_generator=_base_.anchors),
    roi_head=dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1)),
)
train_cfg = dict(max_epochs=20, val_interval=3)
