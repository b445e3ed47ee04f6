# CeiT-S at 384, 100 epochs on Stanford Cars from its ImageNet-1k weights at 224, batch 512.
# Paper (CeiT): top-1 94.1.
# bash tools/dist_train.sh configs/cls/ceit_s_384_100e_cars.py 8
_base_ = ['./ceit_s_100e_cars.py', '../_base_/datasets/pipelines_384.py']
model = dict(backbone=dict(img_size=384))  # resizes the position embedding
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline_384))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline_384))
test_dataloader = val_dataloader
