# Narrow ViTAE, 2 epochs on a tenth of CIFAR-10.
# python tools/train.py configs/cls/mini/vitae_2e_cifar10_10pct.py
_base_ = './vitae_6e_cifar10_10pct.py'
train_cfg = dict(max_epochs=2, val_interval=2)
