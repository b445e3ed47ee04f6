# The same without parallel convs.
# python tools/train.py configs/cls/mini/vitae_k0_mae_6e_cifar10_10pct.py
_base_ = './vitae_mae_6e_cifar10_10pct.py'
model = dict(
    backbone=dict(
        pcm_kernel_size=0, init_cfg=dict(checkpoint='work_dirs/mae_vitae_4e_cifar10_k0/epoch_4.pth')
    )
)
