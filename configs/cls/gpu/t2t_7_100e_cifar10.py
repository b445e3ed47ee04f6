# T2T-ViT-7 in shape from scratch on CIFAR-10 at 32x32: 5,000,000 images seen.
# python tools/train.py configs/cls/gpu/t2t_7_100e_cifar10.py
_base_ = [
    '../../_base_/models/cls/t2t_7_32.py',  # another network: change this line
    '../../_base_/datasets/cifar10_whole.py',
    '../../_base_/schedules/cls_100e_small.py',
    '../../_base_/runtime/cls.py',
]
model = dict(head=dict(num_classes=10), train_cfg=None)  # no mixing: few steps
