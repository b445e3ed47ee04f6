# The demo shapes (tools/make_demo_data.py), whole scenes without labels, at 64x64.
_base_ = './images_small.py'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='RandomResizedCrop',
        scale=64,
        crop_ratio_range=(0.2, 1.0),
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=8,
    dataset=dict(data_root='data/shapes/', data_prefix='images/train', pipeline=train_pipeline),
)
