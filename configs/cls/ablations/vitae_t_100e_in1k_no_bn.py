# ViTAE-T, 100 epochs on ImageNet-1k: no batch norm in the parallel convs.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_no_bn.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(backbone=dict(norm_cfg=None))
