# A narrow ViTAEv2 in a small UperNet on the demo shapes; tools/quickstart.sh starts it
# from the backbone of vitaev2_demo_4e_shapes. mIoU 64.8.
# bash tools/dist_train.sh configs/seg/upernet_vitaev2_demo_10e_shapes.py 2
_base_ = [
    '../_base_/backbones/vitaev2_demo.py',  # another backbone: change this line
    '../_base_/models/upernet_small.py',
    '../_base_/datasets/shapes_masks.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/seg_epochs.py',
]
# most pixels are ground
loss_decode = dict(class_weight=[0.2, 1.0, 1.0, 1.0, 1.0])
head = dict(num_classes=5, loss_decode=loss_decode)
model = dict(
    backbone=_base_.backbone,
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(in_channels=_base_.channels, channels=64, **head),
    auxiliary_head=dict(in_channels=_base_.channels[2], **head),
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=(48, 48)),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=10, val_interval=10)
