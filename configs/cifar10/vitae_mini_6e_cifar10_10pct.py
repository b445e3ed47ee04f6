# A narrow ViTAE-T, 0.5M parameters, on a tenth of CIFAR-10: 30,000 images seen.
# python tools/train.py configs/cifar10/vitae_mini_6e_cifar10_10pct.py
_base_ = [
    '../_base_/backbones/vitae_t_32.py',
    '../_base_/models/classifier.py',
    '../_base_/datasets/cifar10_folders.py',
    '../_base_/schedules/cls_small.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.arch = dict(
    branch_dims=(24, 24, 48),
    dims=(24, 24, 96),
    depths=(0, 0, 4),
    num_heads=(1, 1, 2),
    mlp_ratios=(2, 2, 2),
    groups=(1, 1, 24),
    ratios=(2, 2, 2),
)
model.head.update(in_channels=96, num_classes=10)
model.train_cfg = None  # no mixup or CutMix: a short training
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=6, val_interval=6)
