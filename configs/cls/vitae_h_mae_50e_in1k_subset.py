# ViTAE-H on 10 % of ImageNet-1k, with as many steps as 50 epochs on all of it, after masked
# pretraining on all images.
# Paper (ViTAEv2): top-1 82.4.
# Other fractions, such as 1 %: --cfg-options train_dataloader.dataset.fraction=0.01
# bash tools/dist_train.sh configs/cls/vitae_h_mae_50e_in1k_subset.py 8 --amp
_base_ = './vitae_h_mae_50e_in1k.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.1,
        seed=0,
        dataset=_base_.train_dataloader.dataset,
    )
)
