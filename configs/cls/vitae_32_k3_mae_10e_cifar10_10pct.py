# The same from its masked pretraining with 3x3 kernels.
# python tools/train.py configs/cls/vitae_32_k3_mae_10e_cifar10_10pct.py
_base_ = './vitae_32_10e_cifar10_10pct.py'
model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='work_dirs/mae_vitae_32_k3_10e_cifar10/epoch_10.pth'
        )
    )
)
