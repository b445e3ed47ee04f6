# A narrow ViTAEv2 in a small Mask R-CNN on the demo shapes; tools/quickstart.sh starts it
# from the backbone of vitaev2_demo_4e_shapes. Box AP 72.0, mask AP 64.9.
# bash tools/dist_train.sh configs/det/mask_rcnn_vitaev2_demo_4e_shapes.py 2
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
    roi_head=dict(
        # classes are harder to tell apart than objects from the background
        bbox_head=dict(num_classes=4, loss_cls=dict(loss_weight=2.0)),
        mask_head=dict(num_classes=4),
    ),
    train_cfg=dict(rcnn=dict(sampler=dict(pos_fraction=0.5))),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=4, val_interval=4)
