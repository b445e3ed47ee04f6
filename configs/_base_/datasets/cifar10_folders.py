# CIFAR-10 as one folder per class: a tenth of the training images of each class, validated
# on a fifth of the test images, tested on all. The outer `fraction` of the training
# images selects a part of the tenth, in epochs of the same length.
_base_ = './classes_small.py'
root = 'data/cifar10/'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='vitae_mm.StratifiedSubset',
        fraction=1.0,
        dataset=dict(
            type='vitae_mm.StratifiedSubset',
            fraction=0.1,
            keep_length=False,
            dataset=dict(
                type='CustomDataset',
                data_root=root,
                data_prefix='train',
                pipeline=_base_.train_pipeline,
            ),
        ),
    )
)
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
test_dataloader = dict(dataset=dict(data_root=root, data_prefix='test'))
