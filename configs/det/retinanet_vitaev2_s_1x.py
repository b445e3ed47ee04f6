# RetinaNet, ViTAEv2-S, 1x schedule, COCO, batch 16.
# No published score.
# bash tools/dist_train.sh configs/det/retinanet_vitaev2_s_1x.py 8
_base_ = [
    '../_base_/backbones/vitaev2_s.py',  # another backbone: change this line
    '../_base_/models/retinanet.py',
    '../_base_/datasets/coco_detection.py',
    '../_base_/schedules/det_1x.py',
    '../_base_/runtime/det.py',
]
model = dict(
    backbone=dict(
        _delete_=True, **{**_base_.backbone, **_base_.pretrained, 'out_indices': (1, 2, 3)}
    ),
    neck=dict(in_channels=_base_.channels[1:]),
)
