# A fifth of CIFAR-10, resized to 64x64; the folders are those of cifar10_folders.py.
_base_ = './cifar10_folders.py'
resize = dict(type='Resize', scale=(64, 64), backend='pillow', interpolation='bicubic')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='RandomCrop', crop_size=64, padding=8),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]
test_pipeline = [dict(type='LoadImageFromFile'), resize, dict(type='PackInputs')]
train_dataloader = dict(
    dataset=dict(dataset=dict(fraction=0.2, dataset=dict(pipeline=train_pipeline)))
)
val_dataloader = dict(dataset=dict(dataset=dict(pipeline=test_pipeline)))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
