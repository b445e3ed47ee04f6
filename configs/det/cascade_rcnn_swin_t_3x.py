# Cascade Mask R-CNN, Swin-T, 3x schedule, COCO, batch 16.
# Authors of ViTAEv2: box AP 50.2, mask AP 43.5.
# bash tools/dist_train.sh configs/det/cascade_rcnn_swin_t_3x.py 8
_base_ = [
    '../_base_/backbones/swin_t.py',  # another backbone: change this line
    '../_base_/models/cascade_rcnn.py',
    '../_base_/datasets/coco_instance.py',
    '../_base_/schedules/det_3x.py',
    '../_base_/runtime/det.py',
]
model = dict(
    backbone=dict(_delete_=True, **{**_base_.backbone, **_base_.pretrained}),
    neck=dict(in_channels=_base_.channels),
)
