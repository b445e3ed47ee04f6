# A small Mask R-CNN with ViTAEv2-S on the droplets, from scratch.
# python tools/train.py configs/own_data/mask_rcnn_vitaev2_s_20e_droplets.py
_base_ = [
    '../_base_/backbones/vitaev2_s.py',  # another backbone: change this line
    '../_base_/models/mask_rcnn_tiny.py',
    '../_base_/datasets/droplets.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/det.py',
]
model = dict(
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
    rpn_head=dict(anchor_generator=_base_.anchors),
    roi_head=dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1)),
)
train_cfg = dict(max_epochs=20, val_interval=3)
