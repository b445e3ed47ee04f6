# CeiT-T, 100 epochs on Stanford Cars from its ImageNet-1k weights, batch 512.
# Paper (CeiT): top-1 90.5.
# bash tools/dist_train.sh configs/cls/ceit_t_100e_cars.py 8
_base_ = [
    '../_base_/backbones/ceit_t.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/cars.py',
    '../_base_/schedules/cls_100e_transfer.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.update(_base_.pretrained)
model.head.num_classes = _base_.data_preprocessor.num_classes
