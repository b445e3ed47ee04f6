# A narrow ViTAEv2, 0.4M parameters, on a tenth of CIFAR-10: 25,000 images seen.
# python tools/train.py configs/cifar10/vitaev2_mini_5e_cifar10_10pct.py
_base_ = [
    '../_base_/backbones/vitaev2_s.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.arch = dict(
    branch_dims=(8, 16, 32, 48),
    dims=(8, 16, 48, 96),
    depths=(2, 2, 1, 1),  # shift_window acts on every second cell
    num_heads=(1, 1, 2, 4),
    reduction_heads=(1, 1, 1, 2),
    groups=(1, 4, 12, 24),
    reduction_groups=(1, 4, 8, 16),
    ratios=(2, 2, 2, 2),
)
model.head.update(in_channels=96, num_classes=10)
model.train_cfg = None  # no mixup or CutMix: a short training
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=5, val_interval=5)
