# The demo shapes (tools/make_demo_data.py) as class maps, at half size, so
# that training takes minutes on a CPU.
_base_ = './masks_small.py'
crop_size = (96, 128)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(128, 96), ratio_range=(0.9, 1.4), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(128, 96), keep_ratio=True),
    # after Resize, because predictions are returned at the original size
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
classes = ('ground', 'triangle', 'square', 'star', 'cross')
palette = [[90, 90, 90], [220, 60, 60], [60, 160, 60], [240, 180, 40], [60, 90, 220]]
data = dict(data_root='data/shapes/', metainfo=dict(classes=classes, palette=palette))
train_dataloader = dict(
    dataset=dict(
        **data,
        data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        **data,
        data_prefix=dict(img_path='images/val', seg_map_path='masks/val'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
