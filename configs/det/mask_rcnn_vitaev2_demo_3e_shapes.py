# A narrow ViTAEv2 in a small Mask R-CNN on the demo shapes; tools/quickstart.sh starts it
# from the backbone of vitaev2_demo_4e_shapes. Takes minutes on two CPU cores.
# bash tools/dist_train.sh configs/det/mask_rcnn_vitaev2_demo_3e_shapes.py 2
_base_ = [
    '../_base_/backbones/vitaev2_demo.py',  # another backbone: change this line
    '../_base_/models/mask_rcnn_tiny.py',
    '../_base_/datasets/shapes_instance.py',
    '../_base_/schedules/small.py',
    '../_base_/runtime/det.py',
]
model = dict(
    backbone=dict(_delete_=True, **_base_.backbone),
    neck=dict(in_channels=_base_.channels),
    roi_head=dict(bbox_head=dict(num_classes=4), mask_head=dict(num_classes=4)),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=3, val_interval=3)
