# Images at 384, augmented as at 224 in in1k_224.py. A config that inherits from this file gives
# the pipelines to its datasets.
bgr_mean_384 = [103.53, 116.28, 123.675]
bgr_std_384 = [57.375, 57.12, 58.395]
train_pipeline_384 = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=384, backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[round(value) for value in bgr_mean_384], interpolation='bicubic'),
    ),
    dict(
        type='RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=bgr_mean_384,
        fill_std=bgr_std_384,
    ),
    dict(type='PackInputs'),
]
test_pipeline_384 = [
    dict(type='LoadImageFromFile'),
    # 384 / .9
    dict(type='ResizeEdge', scale=426, edge='short', backend='pillow', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=384),
    dict(type='PackInputs'),
]
