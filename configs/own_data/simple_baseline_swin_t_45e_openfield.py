# A small SimpleBaseline with Swin-T on the mouse, from scratch.
# python tools/train.py configs/own_data/simple_baseline_swin_t_45e_openfield.py
_base_ = [
    '../_base_/backbones/swin_t.py',  # another backbone: change this line
    '../_base_/models/simple_baseline_small.py',
    '../_base_/datasets/openfield.py',
    '../_base_/schedules/pose_small.py',
    '../_base_/runtime/pose.py',
]
model = dict(
    backbone={**_base_.backbone, 'out_indices': (3,)},
    head=dict(in_channels=_base_.channels[-1], out_channels=4, decoder=_base_.codec),
)
train_cfg = dict(max_epochs=45, val_interval=9)
