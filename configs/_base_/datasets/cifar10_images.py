# CIFAR-10 as one folder per class: a fifth of the training images of each class. The
# labels are used only to select them.
_base_ = './images_small.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.2,
        keep_length=False,
        dataset=dict(
            type='CustomDataset',
            data_root='data/cifar10/',
            data_prefix='train',
            pipeline=_base_.train_pipeline,
        ),
    )
)
