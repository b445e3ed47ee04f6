# ImageNet-22k at 224, batch 1024 on 8 GPUs, augmented as ImageNet-1k. Validated on
# a part of it that is kept apart: one list of images for each, in the form
# 'folder/image.jpg number_of_class'.
_base_ = './in1k_224_b1024.py'
data_preprocessor = dict(num_classes=21841)
data = dict(type='ImageNet21k', data_root='data/imagenet21k', split='')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **data,
        ann_file='train.txt',
        data_prefix='train',
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **data,
        ann_file='val.txt',
        data_prefix='train',
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = val_dataloader
