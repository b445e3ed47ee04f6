# CeiT-T, 100 epochs on ImageNet-1k: patches of 16x16 instead of the convolutional stem.
# bash tools/dist_train.sh configs/cls/ablations/ceit_t_100e_in1k_no_conv.py 8
_base_ = './ceit_t_100e_in1k.py'
model = dict(backbone=dict(stem_conv=False))
