# ViTAEv2-S, 100 epochs on ImageNet-1k: relative positions in the windows.
# bash tools/dist_train.sh configs/cls/ablations/vitaev2_s_100e_in1k_relative_position.py 8
_base_ = './vitaev2_s_100e_in1k.py'
model = dict(backbone=dict(relative_position=True))
