# Narrow ViTAE without inductive biases, as many steps, on 20 % of the tenth of CIFAR-10.
# python tools/train.py configs/cls/mini/t2t_6e_cifar10_2pct.py
_base_ = './t2t_6e_cifar10_10pct.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.2,
        dataset=_base_.train_dataloader.dataset,
    )
)
