# CIFAR-10 as one folder a class: a tenth of the training images of each class,
# and a fifth of the test images to validate on between; tested on all.
_base_ = './classes_small.py'
root = 'data/cifar10/'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.1,
        keep_length=False,
        dataset=dict(
            type='CustomDataset',
            data_root=root,
            data_prefix='train',
            pipeline=_base_.train_pipeline,
        ),
    )
)
test_dataloader = dict(dataset=dict(data_root=root, data_prefix='test'))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=0.2,
        keep_length=False,
        dataset=dict(
            type='CustomDataset', data_root=root, data_prefix='test', pipeline=_base_.test_pipeline
        ),
    )
)
