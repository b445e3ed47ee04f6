# CeiT-T, 100 epochs on ImageNet-1k: plain FFN instead of LeFF.
# bash tools/dist_train.sh configs/cls/ablations/ceit_t_100e_in1k_plain_ffn.py 8
_base_ = './ceit_t_100e_in1k.py'
model = dict(backbone=dict(leff_kernel_size=0))
