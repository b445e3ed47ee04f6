# Narrow CeiT, a tenth of CIFAR-10: 30,000 images seen.
# python tools/train.py configs/cls/mini/ceit_6e_cifar10_10pct.py
_base_ = [
    '../../_base_/models/cls/ceit_mini.py',  # another network: change this line
    '../../_base_/datasets/cifar10_folders.py',
    '../../_base_/schedules/cls_mini.py',
    '../../_base_/runtime/cls.py',
]
model = dict(head=dict(num_classes=10), train_cfg=None)  # no mixing: few steps
