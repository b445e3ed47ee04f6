# Your own photographs in one folder per class, at 224, augmented like ImageNet; batch 64.
# The config gives num_classes, data_root and data_prefix.
_base_ = './in1k_224.py'
data = dict(_delete_=True, type='CustomDataset')
train_dataloader = dict(dataset=dict(**data, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(**data, pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(topk=1)  # there may be fewer than five classes
test_evaluator = val_evaluator
