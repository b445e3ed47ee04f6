# CIFAR at 384, as in pipelines_384.py; images are already decoded, as RGB.
mean_384 = [123.675, 116.28, 103.53]
std_384 = [58.395, 57.12, 57.375]
train_pipeline_384 = [
    dict(type='RandomResizedCrop', scale=384, backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[round(value) for value in mean_384], interpolation='bicubic'),
    ),
    dict(
        type='RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=mean_384,
        fill_std=std_384,
    ),
    dict(type='PackInputs'),
]
test_pipeline_384 = [
    dict(type='Resize', scale=384, backend='pillow', interpolation='bicubic'),
    dict(type='PackInputs'),
]
