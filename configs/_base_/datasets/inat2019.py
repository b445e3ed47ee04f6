# iNaturalist 2019 at 224, batch 512 on 8 GPUs, augmented like ImageNet.
_base_ = './in1k_224.py'
data_preprocessor = dict(num_classes=1010)
data = dict(type='vitae_mm.INaturalist', data_root='data/inat2019', data_prefix='')
train_dataloader = dict(
    dataset=dict(_delete_=True, **data, ann_file='train2019.json', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(_delete_=True, **data, ann_file='val2019.json', pipeline=_base_.test_pipeline)
)
test_dataloader = val_dataloader
