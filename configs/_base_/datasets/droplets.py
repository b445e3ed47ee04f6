# Droplets in a channel under a microscope: 60 training images of seven videos and 12 of
# another one, one class, resized to fit 160x128, flipped; batch 4 on one process.
_base_ = './coco_small.py'
resize = dict(type='Resize', scale=(160, 128), keep_ratio=True)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    resize,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    # with the instances: without ann_file, CocoMetric takes the boxes of each sample, so that a
    # part of the images can be tested
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'instances'),
    ),
]
anchors = dict(scales=[2])  # 8 to 64 pixels; the droplets have 4 to 28
data = dict(data_root='data/droplets/', metainfo=dict(classes=('droplet',)))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        **data, ann_file='train.json', data_prefix=dict(img='train/'), pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(**data, ann_file='val.json', data_prefix=dict(img='val/'), pipeline=test_pipeline)
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=None)
test_evaluator = val_evaluator
