# CIFAR-10 without labels: the training images of all classes.
_base_ = './images_small.py'
train_dataloader = dict(dataset=dict(data_root='data/cifar10/', data_prefix='train'))
