# Droplets in a channel under a microscope: 60 training images of three videos and 12 of
# another one, one class, resized to fit 160x128; batch 4 on one process.
_base_ = './coco_small.py'
scale = (160, 128)
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[2].scale = test_pipeline[1].scale = scale
# boxes in the form that CocoMetric takes for images of the training set
test_pipeline[3].meta_keys = (*test_pipeline[3].meta_keys, 'instances')
data = dict(data_root='data/droplets/', metainfo=dict(classes=('droplet',)))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        **data, ann_file='train.json', data_prefix=dict(img='train/'), pipeline=train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(**data, ann_file='val.json', data_prefix=dict(img='val/'), pipeline=test_pipeline)
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=None)
test_evaluator = val_evaluator
