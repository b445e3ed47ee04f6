# Mask R-CNN, ViTAEv2-S, 1x schedule, COCO, batch 16.
# Authors of ViTAEv2: box AP 46.3, mask AP 41.8.
# bash tools/dist_train.sh configs/det/mask_rcnn_vitaev2_s_1x.py 8
_base_ = [
    '../_base_/backbones/vitaev2_s.py',  # another backbone: change this line
    '../_base_/models/mask_rcnn.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/runtime/det.py',
]
model = dict(
    backbone=dict(_delete_=True, **{**_base_.backbone, **_base_.pretrained}),
    neck=dict(in_channels=_base_.channels),
)
