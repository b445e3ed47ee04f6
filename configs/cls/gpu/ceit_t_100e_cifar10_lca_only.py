# CeiT-T, CIFAR-10: plain patches, plain FFN.
# python tools/train.py configs/cls/gpu/ceit_t_100e_cifar10_lca_only.py
_base_ = './ceit_t_100e_cifar10.py'
model = dict(backbone=dict(stem_conv=False, leff_kernel_size=0))
