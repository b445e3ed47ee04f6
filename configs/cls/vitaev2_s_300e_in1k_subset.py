# ViTAEv2-S on 10 % of ImageNet-1k, with as many steps as 300 epochs on all of it.
# Other fractions, such as 1 %: --cfg-options train_dataloader.dataset.fraction=0.01
# bash tools/dist_train.sh configs/cls/vitaev2_s_300e_in1k_subset.py 8
_base_ = './vitaev2_s_300e_in1k.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.1,
        seed=0,
        dataset=_base_.train_dataloader.dataset,
    )
)
