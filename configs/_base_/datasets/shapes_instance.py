# The demo shapes (tools/make_demo_data.py) as COCO instances, at their size.
_base_ = './coco_small.py'

train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[2].update(scale=(256, 192))
test_pipeline[1].update(scale=(256, 192))

classes = ('triangle', 'square', 'star', 'cross')
data = dict(data_root='data/shapes/', metainfo=dict(classes=classes))
train_dataloader = dict(
    dataset=dict(
        **data,
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='images/train/'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        **data,
        ann_file='annotations/instances_val.json',
        data_prefix=dict(img='images/val/'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file='data/shapes/annotations/instances_val.json')
test_evaluator = val_evaluator
