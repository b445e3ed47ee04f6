# CIFAR-10 at 224, batch 512 on 8 GPUs, augmented like ImageNet; mmpretrain downloads it.
_base_ = './in1k_224.py'

# images are already decoded, as RGB; ImageNet's are read as BGR, in whose order colors are given
data_preprocessor = dict(num_classes=10, to_rgb=False)
mean, std = _base_.data_preprocessor.mean, _base_.data_preprocessor.std
train_pipeline = _base_.train_pipeline[1:]  # without reading files
train_pipeline[2].hparams.pad_val = [round(value) for value in mean]
train_pipeline[3].update(fill_color=mean, fill_std=std)
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
