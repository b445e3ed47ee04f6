# ImageNet-22k at 224, batch 1024 on 8 GPUs, augmented like ImageNet-1k. Validated on
# a held-out part. Each part has a list of images, with lines
# 'folder/image.jpg class_index'.
_base_ = './in1k_224.py'
data_preprocessor = dict(num_classes=21841)
data = dict(type='ImageNet21k', data_root='data/imagenet21k', split='')
train_dataloader = dict(
    batch_size=128,
    dataset=dict(
        _delete_=True,
        **data,
        ann_file='train.txt',
        data_prefix='train',
        pipeline=_base_.train_pipeline,
    ),
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
