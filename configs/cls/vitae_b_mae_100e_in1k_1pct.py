# ViTAE-B, as many steps as 100 epochs, on 1 % of ImageNet-1k, from its masked
# pretraining on the images of all of it.
# bash tools/dist_train.sh configs/cls/vitae_b_mae_100e_in1k_1pct.py 8 --amp
_base_ = './vitae_b_mae_100e_in1k.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.01,
        seed=0,
        dataset=_base_.train_dataloader.dataset,
    )
)
