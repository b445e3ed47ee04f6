# ViTAE-T, as many steps, on 60 % of CIFAR-10.
# python tools/train.py configs/cls/gpu/vitae_t_100e_cifar10_60pct.py
_base_ = './vitae_t_100e_cifar10.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.6,
        dataset=_base_.train_dataloader.dataset,
    )
)
