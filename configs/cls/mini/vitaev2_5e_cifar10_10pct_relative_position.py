# Narrow ViTAEv2, a tenth of CIFAR-10: relative positions in the windows.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct_relative_position.py
_base_ = './vitaev2_5e_cifar10_10pct.py'
model = dict(backbone=dict(relative_position=True))
