# A narrow CeiT, 0.9M parameters, on a tenth of CIFAR-10: 30,000 images seen.
# python tools/train.py configs/cifar10/ceit_mini_6e_cifar10_10pct.py
_base_ = [
    '../_base_/backbones/ceit_t.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(arch=dict(dims=(96,), depths=(6,), num_heads=(3,), ratios=(8,)), img_size=32)
model.head.update(in_channels=96, num_classes=10)
model.train_cfg = None  # no mixup or CutMix: a short training
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=6, val_interval=6)
