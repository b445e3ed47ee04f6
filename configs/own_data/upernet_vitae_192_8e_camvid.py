# A small UperNet with a narrow ViTAE on the street scenes, from scratch.
# python tools/train.py configs/own_data/upernet_vitae_192_8e_camvid.py
_base_ = [
    '../_base_/backbones/vitae_192.py',
    '../_base_/models/upernet_small.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/seg_epochs.py',
]
neck = dict(type='vitae_mm.SimpleFeaturePyramid', in_channels=_base_.channels, out_channels=128)
model = dict(
    backbone=_base_.backbone,
    neck=neck,
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=[128] * 4, num_classes=11),
    auxiliary_head=dict(in_channels=128, num_classes=11),
)
train_cfg = dict(max_epochs=8, val_interval=2)
