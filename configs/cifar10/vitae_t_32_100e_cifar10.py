# ViTAE-T from scratch on CIFAR-10 at 32x32: 5,000,000 images seen. Not run yet.
# python tools/train.py configs/cifar10/vitae_t_32_100e_cifar10.py
_base_ = [
    '../_base_/backbones/vitae_t_32.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_whole.py',
    '../_base_/schedules/cls_100e_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.head.num_classes = 10
model.train_cfg = None  # no mixup or CutMix, as in the short trainings
