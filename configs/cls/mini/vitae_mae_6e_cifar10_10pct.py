# A narrow ViTAE of patches on a tenth of CIFAR-10 from its masked pretraining with 1x1
# kernels, inflated: 30,000 images seen.
# python tools/train.py configs/cls/mini/vitae_mae_6e_cifar10_10pct.py
_base_ = [
    '../../_base_/models/cls/vitae_patch_mini.py',  # another network: change this line
    '../../_base_/datasets/cifar10_folders.py',
    '../../_base_/schedules/cls_mini.py',
    '../../_base_/runtime/cls.py',
]
model = dict(
    backbone=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/mae_vitae_4e_cifar10/epoch_4.pth')
    ),
    head=dict(num_classes=10),
    train_cfg=None,
)  # no mixing: few steps
