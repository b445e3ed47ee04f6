# Narrow ViTAEv2 from scratch on a tenth of CIFAR-10 at 32x32: 25,000 images seen.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct.py
_base_ = [
    '../../_base_/models/cls/vitaev2_mini.py',  # another network: change this line
    '../../_base_/datasets/cifar10_folders.py',
    '../../_base_/schedules/cls_mini.py',
    '../../_base_/runtime/cls.py',
]
model = dict(head=dict(num_classes=10), train_cfg=None)  # no mixing: few steps
train_cfg = dict(max_epochs=5, val_interval=5)
