# A small UperNet with ResNet-50 on the street scenes, from scratch.
# python tools/train.py configs/own_data/upernet_r50_8e_camvid.py
_base_ = [
    '../_base_/backbones/r50.py',  # another backbone: change this line
    '../_base_/models/upernet_small.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/seg_epochs.py',
]
model = dict(
    backbone=_base_.backbone,
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.channels, num_classes=11),
    auxiliary_head=dict(in_channels=_base_.channels[2], num_classes=11),
)
train_cfg = dict(max_epochs=8, val_interval=2)
