# ViTPose's simple head on a narrow ViTAE on the mouse, from scratch.
# python tools/train.py configs/own_data/simple_baseline_vitae_192_45e_openfield.py
_base_ = [
    '../_base_/backbones/vitae_192.py',
    '../_base_/models/simple_baseline_isotropic.py',
    '../_base_/datasets/openfield.py',
    '../_base_/schedules/pose_small.py',
    '../_base_/runtime/pose.py',
]
model = dict(
    backbone=_base_.backbone,
    head=dict(in_channels=_base_.channels, out_channels=4, decoder=_base_.codec),
)
train_cfg = dict(max_epochs=45, val_interval=9)
