# DeiT-T from scratch on a tenth of CIFAR-10 at 32x32: 50,000 images seen.
# Measured: docs/reproduction.md.
# python tools/train.py configs/cifar10/deit_t_32_10e_cifar10_10pct.py
_base_ = [
    '../_base_/backbones/deit_t_32.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.head.num_classes = 10
model.train_cfg = None  # no mixup or CutMix: a short training
