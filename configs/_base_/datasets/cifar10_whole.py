# CIFAR-10 as one folder per class, all training images, batch 256 on one GPU.
_base_ = './cifar10_folders.py'
loader = dict(batch_size=256, num_workers=8)
train_dataloader = dict(**loader, dataset=dict(dataset=dict(fraction=1.0)))
val_dataloader = dict(**loader)
test_dataloader = dict(**loader)
