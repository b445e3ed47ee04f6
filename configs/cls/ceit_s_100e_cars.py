# CeiT-S, 100 epochs on Stanford Cars from its ImageNet-1k weights, batch 512.
# bash tools/dist_train.sh configs/cls/ceit_s_100e_cars.py 8
_base_ = [
    '../_base_/models/cls/ceit_s.py',  # another network: change this line
    '../_base_/datasets/cars.py',
    '../_base_/schedules/cls_100e_transfer.py',
    '../_base_/runtime/cls.py',
]
model = dict(
    backbone=dict(**_base_.pretrained), head=dict(num_classes=_base_.data_preprocessor.num_classes)
)
