# Narrow CeiT, a tenth of CIFAR-10: plain patches, no LCA.
# python tools/train.py configs/cls/mini/ceit_6e_cifar10_10pct_leff_only.py
_base_ = './ceit_6e_cifar10_10pct.py'
model = dict(backbone=dict(stem_conv=False, lca=False))
