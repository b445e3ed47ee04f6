# Your own images with one class map each (PNG; a pixel value is a class index, 255 is
# ignored), resized to 192x144 with crops of 128x176, flipped; batch 4 on 2 processes. The
# config gives data_root, data_prefix, the suffixes and the classes.
crop_size = (128, 176)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(192, 144), ratio_range=(0.9, 1.4), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(192, 144), keep_ratio=True),
    # after Resize, because predictions are returned at the original size
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
# workers restart each epoch, so that a resumed run sees the same data
workers = dict(
    num_workers=1, persistent_workers=False, worker_init_fn=dict(type='vitae_mm.seed_worker')
)
train_dataloader = dict(
    **workers,
    batch_size=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='BaseSegDataset', pipeline=train_pipeline),
)
val_dataloader = dict(
    **workers,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='BaseSegDataset', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
