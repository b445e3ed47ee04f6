# SimpleBaseline, Swin-T, 210 epochs, AP-10K, 256x256, batch 512, flip test.
# Authors of ViTAEv2: AP 68.9.
# bash tools/dist_train.sh configs/pose/simple_baseline_swin_t_210e_ap10k.py 8
_base_ = [
    '../_base_/backbones/swin_t.py',  # another backbone: change this line
    '../_base_/models/simple_baseline.py',
    '../_base_/datasets/ap10k_256.py',
    '../_base_/schedules/pose_210e.py',
    '../_base_/runtime/pose.py',
]
model = dict(
    backbone={**_base_.backbone, **_base_.pretrained, **_base_.pose},
    head=dict(in_channels=_base_.channels[-1], decoder=_base_.codec),
)
