# CeiT-T, 100 epochs on ImageNet-1k: LeFF without batch norm.
# bash tools/dist_train.sh configs/cls/ablations/ceit_t_100e_in1k_no_bn.py 8
_base_ = './ceit_t_100e_in1k.py'
model = dict(backbone=dict(leff_norm=False))
