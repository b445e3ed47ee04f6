# CeiT-T, CIFAR-10: plain FFN, no LCA.
# python tools/train.py configs/cls/gpu/ceit_t_100e_cifar10_i2t_only.py
_base_ = './ceit_t_100e_cifar10.py'
model = dict(backbone=dict(leff_kernel_size=0, lca=False))
