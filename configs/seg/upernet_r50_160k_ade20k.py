# UperNet, ResNet-50, 160k iterations, ADE20K, 512x512, batch 16.
# Authors of ViTAEv2: mIoU 42.1, multi-scale 42.8.
# bash tools/dist_train.sh configs/seg/upernet_r50_160k_ade20k.py 8
# Six scales with flips: add --tta to tools/dist_test.sh.
_base_ = [
    '../_base_/backbones/r50.py',  # another backbone: change this line
    '../_base_/models/upernet.py',
    '../_base_/datasets/ade20k_512.py',
    '../_base_/schedules/seg_160k.py',
    '../_base_/runtime/seg.py',
]
model = dict(
    backbone={**_base_.backbone, **_base_.pretrained, **_base_.segmentation},
    decode_head=dict(in_channels=_base_.channels),
    auxiliary_head=dict(in_channels=_base_.channels[2]),
)
