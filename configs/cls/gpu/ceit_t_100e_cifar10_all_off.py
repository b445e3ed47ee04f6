# CeiT-T, CIFAR-10: plain patches, plain FFN, no LCA.
# python tools/train.py configs/cls/gpu/ceit_t_100e_cifar10_all_off.py
_base_ = './ceit_t_100e_cifar10.py'
model = dict(backbone=dict(stem_conv=False, leff_kernel_size=0, lca=False))
