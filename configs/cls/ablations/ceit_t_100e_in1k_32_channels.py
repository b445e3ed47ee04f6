# CeiT-T, 100 epochs on ImageNet-1k: stem of 32 channels.
# bash tools/dist_train.sh configs/cls/ablations/ceit_t_100e_in1k_32_channels.py 8
_base_ = './ceit_t_100e_in1k.py'
model = dict(backbone=dict(stem_channels=32))
