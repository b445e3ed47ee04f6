# Narrow CeiT, a tenth of CIFAR-10: plain FFN, no LCA.
# python tools/train.py configs/cls/mini/ceit_6e_cifar10_10pct_i2t_only.py
_base_ = './ceit_6e_cifar10_10pct.py'
model = dict(backbone=dict(leff_kernel_size=0, lca=False))
