# CIFAR-10 at 224, batch 512 on 8 GPUs, augmented like ImageNet; mmpretrain downloads it.
_base_ = './in1k_224.py'

# images are already decoded, as RGB; ImageNet's are read as BGR
data_preprocessor = dict(num_classes=10, to_rgb=False)
mean, std = _base_.data_preprocessor.mean, _base_.data_preprocessor.std
train_pipeline = [
    dict(type='RandomResizedCrop', scale=224, backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[round(value) for value in mean], interpolation='bicubic'),
    ),
    dict(
        type='RandomErasing',
        erase_prob=0.25,
        mode='rand',
        min_area_ratio=0.02,
        max_area_ratio=1 / 3,
        fill_color=mean,
        fill_std=std,
    ),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='Resize', scale=224, backend='pillow', interpolation='bicubic'),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    dataset=dict(type='CIFAR10', data_root='data/cifar10', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(type='CIFAR10', data_root='data/cifar10', split='test', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
