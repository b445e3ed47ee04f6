# CeiT-T from scratch on CIFAR-10 at 32x32, with 4x4 tokens: 5,000,000 images seen. Not run yet.
# python tools/train.py configs/cifar10/ceit_t_32_100e_cifar10.py
_base_ = [
    '../_base_/backbones/ceit_t.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_whole.py',
    '../_base_/schedules/cls_100e_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(
    arch=dict(dims=(192,), depths=(12,), num_heads=(3,), ratios=(8,)), img_size=32
)
model.head.num_classes = 10
model.train_cfg = None  # no mixup or CutMix, as in the short trainings
