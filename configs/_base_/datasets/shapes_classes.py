# The demo shapes (tools/make_demo_data.py), one to a picture, at 64x64.
_base_ = './classes_small.py'
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[1].update(scale=(64, 64))
train_pipeline[2].update(crop_size=64)
test_pipeline[1].update(scale=(64, 64))
root = 'data/shapes/classes/'
train_dataloader = dict(
    batch_size=16, dataset=dict(data_root=root, data_prefix='train', pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=16, dataset=dict(data_root=root, data_prefix='val', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
