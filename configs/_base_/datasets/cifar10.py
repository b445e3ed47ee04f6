# CIFAR-10 at 224, batch 512 on 8 GPUs, augmented as ImageNet; mmpretrain downloads it.
_base_ = './in1k_224.py'

# images come decoded, as RGB where ImageNet's are BGR
data_preprocessor = dict(num_classes=10, to_rgb=False)
train_pipeline = _base_.train_pipeline[1:]
train_pipeline[2].hparams.update(pad_val=[124, 116, 104])
train_pipeline[3].update(
    fill_color=_base_.data_preprocessor.mean, fill_std=_base_.data_preprocessor.std
)
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
