# CeiT-T at 384, 100 epochs on Stanford Cars from its ImageNet-1k weights at 224, batch 512.
# Paper (CeiT): top-1 93.0.
# bash tools/dist_train.sh configs/cls/ceit_t_384_100e_cars.py 8
_base_ = './ceit_t_100e_cars.py'
model = dict(backbone=dict(img_size=384))  # resizes the position embedding
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[1].scale = test_pipeline[2].crop_size = 384
test_pipeline[1].scale = 426  # 384 / .9
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
