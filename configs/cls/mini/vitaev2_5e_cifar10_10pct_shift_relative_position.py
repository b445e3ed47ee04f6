# Narrow ViTAEv2, a tenth of CIFAR-10: shifted windows with relative positions.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct_shift_relative_position.py
_base_ = './vitaev2_5e_cifar10_10pct.py'
model = dict(backbone=dict(shift_window=True, relative_position=True))
