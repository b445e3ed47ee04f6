# The demo shapes (tools/make_demo_data.py) as class maps, at 3/4 of their size, in crops of
# 96x96, so that training takes minutes on a CPU.
_base_ = './masks_small.py'
crop_size = (96, 96)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', scale=(192, 144), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.75, direction=['horizontal', 'vertical', 'diagonal']),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(192, 144), keep_ratio=True),
    # after Resize, because predictions are returned at the original size
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
classes = ('ground', 'triangle', 'square', 'star', 'cross')
palette = [[90, 90, 90], [220, 60, 60], [60, 160, 60], [240, 180, 40], [60, 90, 220]]
data = dict(data_root='data/shapes/', metainfo=dict(classes=classes, palette=palette))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        **data,
        data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        **data,
        data_prefix=dict(img_path='images/val', seg_map_path='masks/val'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
