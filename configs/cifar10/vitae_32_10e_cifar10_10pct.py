# A narrow ViTAE of 4x4 patches on a tenth of CIFAR-10: 50,000 images seen.
# Measured, from scratch and after pretraining: docs/reproduction.md.
# python tools/train.py configs/cifar10/vitae_32_10e_cifar10_10pct.py
_base_ = [
    '../_base_/backbones/vitae_b.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
arch = dict(dims=(192,), depths=(6,), num_heads=(3,), groups=(48,), ratios=(4,))
model = _base_.classifier
model.backbone.update(arch=arch, img_size=32, drop_path_rate=0.1, drop_rate=0.0)
model.head.update(in_channels=192, num_classes=10)
model.train_cfg = None  # no mixup or CutMix: a short training
