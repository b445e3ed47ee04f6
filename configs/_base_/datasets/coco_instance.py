# COCO instances: multi-scale 480-800 with the crop branch of DETR, batch 16
# on 8 GPUs.
_base_ = 'mmdet::_base_/datasets/coco_instance.py'

scales = [(size, 1333) for size in range(480, 801, 32)]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='RandomChoiceResize', scales=scales, keep_ratio=True)],
            [
                dict(
                    type='RandomChoiceResize',
                    scales=[(400, 1333), (500, 1333), (600, 1333)],
                    keep_ratio=True,
                ),
                dict(
                    type='RandomCrop',
                    crop_type='absolute_range',
                    crop_size=(384, 600),
                    allow_negative_crop=True,
                ),
                dict(type='RandomChoiceResize', scales=scales, keep_ratio=True),
            ],
        ],
    ),
    dict(type='PackDetInputs'),
]
# workers restart each epoch, so that a resumed run sees the same data
train_dataloader = dict(
    persistent_workers=False,
    worker_init_fn=dict(type='vitae_mm.seed_worker'),
    dataset=dict(pipeline=train_pipeline),
)
