# CeiT-S at 384, 100 epochs on CIFAR-100 from its ImageNet-1k weights at 224, batch 512.
# Paper (CeiT): top-1 90.8.
# bash tools/dist_train.sh configs/cls/ceit_s_384_100e_cifar100.py 8
_base_ = './ceit_s_100e_cifar100.py'
model = dict(backbone=dict(img_size=384))  # resizes the position embedding
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[0].scale = test_pipeline[0].scale = 384
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
