# Mask R-CNN, ViTAE-S with a simple feature pyramid, 1x schedule, COCO, batch 16.
# No published score.
# bash tools/dist_train.sh configs/det/mask_rcnn_vitae_s_1x.py 8
_base_ = [
    '../_base_/backbones/vitae_s.py',  # another backbone: change this line
    '../_base_/models/mask_rcnn_isotropic.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/runtime/det.py',
]
model = dict(
    backbone=dict(_delete_=True, **{**_base_.backbone, **_base_.pretrained}),
    neck=dict(in_channels=_base_.channels),
)
