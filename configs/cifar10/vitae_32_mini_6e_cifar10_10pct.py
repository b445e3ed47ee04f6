# A narrower ViTAE of 4x4 patches on a tenth of CIFAR-10: 30,000 images seen.
# python tools/train.py configs/cifar10/vitae_32_mini_6e_cifar10_10pct.py
_base_ = [
    '../_base_/backbones/vitae_b.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
arch = dict(dims=(96,), depths=(4,), num_heads=(3,), groups=(24,), ratios=(4,))
model = _base_.classifier
model.backbone.update(arch=arch, img_size=32, drop_path_rate=0.1, drop_rate=0.0)
model.head.update(in_channels=96, num_classes=10)
model.train_cfg = None  # no mixup or CutMix: a short training
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=6, val_interval=6)
