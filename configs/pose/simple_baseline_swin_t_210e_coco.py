# SimpleBaseline, Swin-T, 210 epochs, COCO, 192 wide, 256 high, batch 512, flip test.
# No published score.
# bash tools/dist_train.sh configs/pose/simple_baseline_swin_t_210e_coco.py 8
_base_ = [
    '../_base_/backbones/swin_t.py',  # another backbone: change this line
    '../_base_/models/simple_baseline.py',
    '../_base_/datasets/coco_pose.py',
    '../_base_/schedules/pose_210e.py',
    '../_base_/runtime/pose.py',
]
model = dict(
    backbone={**_base_.backbone, **_base_.pretrained, **_base_.pose},
    head=dict(in_channels=_base_.channels[-1], decoder=_base_.codec),
)
