# ImageNet-1k at 384, batch 512 on 8 GPUs, augmented as at 224.
_base_ = ['./in1k_224.py', './pipelines_384.py']
train_pipeline = _base_.train_pipeline_384
test_pipeline = _base_.test_pipeline_384
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
