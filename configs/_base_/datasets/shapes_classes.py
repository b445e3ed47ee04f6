# The demo shapes (tools/make_demo_data.py), one per image, at 64x64.
_base_ = './classes_small.py'
resize = dict(type='Resize', scale=(64, 64), backend='pillow', interpolation='bicubic')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='RandomCrop', crop_size=64, padding=4),
    dict(type='RandomFlip', prob=0.75, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), resize, dict(type='PackInputs')]
root = 'data/shapes/classes/'
train_dataloader = dict(
    batch_size=16, dataset=dict(data_root=root, data_prefix='train', pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=16, dataset=dict(data_root=root, data_prefix='val', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
