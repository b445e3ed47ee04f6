# CIFAR-100 at 224, batch 512 on 8 GPUs, augmented like ImageNet; mmpretrain downloads it.
_base_ = './cifar10.py'
data_preprocessor = dict(num_classes=100)
data = dict(type='CIFAR100', data_root='data/cifar100')
train_dataloader = dict(dataset=data)
val_dataloader = dict(dataset=data)
test_dataloader = val_dataloader
