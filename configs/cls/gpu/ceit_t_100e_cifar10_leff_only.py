# CeiT-T, CIFAR-10: plain patches, no LCA.
# python tools/train.py configs/cls/gpu/ceit_t_100e_cifar10_leff_only.py
_base_ = './ceit_t_100e_cifar10.py'
model = dict(backbone=dict(stem_conv=False, lca=False))
