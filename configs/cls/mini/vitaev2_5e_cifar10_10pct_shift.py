# Narrow ViTAEv2, a tenth of CIFAR-10: every second window attention shifted.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct_shift.py
_base_ = './vitaev2_5e_cifar10_10pct.py'
model = dict(backbone=dict(shift_window=True))
