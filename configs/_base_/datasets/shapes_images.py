# The demo shapes (tools/make_demo_data.py), whole scenes without labels, at 64x64.
_base_ = './images_small.py'
train_pipeline = _base_.train_pipeline
train_pipeline[1].update(scale=64)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(data_root='data/shapes/', data_prefix='images/train', pipeline=train_pipeline),
)
