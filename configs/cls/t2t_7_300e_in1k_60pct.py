# T2T-ViT-7, as many steps as 300 epochs, on 60 % of ImageNet-1k.
# bash tools/dist_train.sh configs/cls/t2t_7_300e_in1k_60pct.py 8
_base_ = './t2t_7_300e_in1k.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.6,
        seed=0,
        dataset=_base_.train_dataloader.dataset,
    )
)
