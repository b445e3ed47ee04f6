# ViTPose's simple head on ViTAE-B, 210 epochs, COCO, 192 wide, 256 high, batch 512,
# flip test.
# No published score.
# bash tools/dist_train.sh configs/pose/simple_baseline_vitae_b_210e_coco.py 8
_base_ = [
    '../_base_/backbones/vitae_b.py',  # another backbone: change this line
    '../_base_/models/simple_baseline_isotropic.py',
    '../_base_/datasets/coco_pose_udp.py',
    '../_base_/schedules/pose_210e_layer_decay.py',
    '../_base_/runtime/pose.py',
]
model = dict(
    backbone={**_base_.backbone, **_base_.pretrained, 'img_size': (256, 192)},
    head=dict(in_channels=_base_.channels, decoder=_base_.codec),
)
