# A narrow ViTAEv2 in a small UperNet on the demo shapes, from scratch. Minutes on
# two CPU cores:
# bash tools/dist_train.sh configs/seg/upernet_vitaev2_demo_16e_shapes.py 2
_base_ = [
    '../_base_/backbones/vitaev2_demo.py',  # another backbone: change this line
    '../_base_/models/upernet_small.py',
    '../_base_/datasets/shapes_masks.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/seg_epochs.py',
]
model = dict(
    backbone=_base_.backbone,
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.channels, channels=64, num_classes=5),
    auxiliary_head=dict(in_channels=_base_.channels[2], num_classes=5))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=16, val_interval=16)
auto_scale_lr = dict(base_batch_size=8)
