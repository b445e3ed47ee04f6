# A narrow ViTAE of patches from scratch on a tenth of CIFAR-10: 50,000
# images seen.
# python tools/train.py configs/cls/vitae_32_10e_cifar10_10pct.py
_base_ = [
    '../_base_/models/cls/vitae_patch_32.py',  # another network: change this line
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = dict(head=dict(num_classes=10), train_cfg=None)  # no mixing: few steps
