# ImageNet-1k at 384, batch 512 on 8 GPUs, augmented as at 224.
_base_ = './in1k_224.py'
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[2].crop_size = 384
test_pipeline[1].scale = 426  # 384 / .9
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
