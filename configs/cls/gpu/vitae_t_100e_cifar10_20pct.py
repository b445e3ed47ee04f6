# ViTAE-T, as many steps, on 20 % of CIFAR-10.
# python tools/train.py configs/cls/gpu/vitae_t_100e_cifar10_20pct.py
_base_ = './vitae_t_100e_cifar10.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.2,
        dataset=_base_.train_dataloader.dataset,
    )
)
