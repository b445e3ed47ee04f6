# CeiT-S at 384, 30 epochs on ImageNet-1k from its weights at 224, batch 512.
# Paper (CeiT): top-1 83.3, top-5 96.5, ReaL 88.1.
# bash tools/dist_train.sh configs/cls/ceit_s_384_30e_in1k.py 8
_base_ = [
    '../_base_/backbones/ceit_s.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_384.py',
    '../_base_/schedules/cls_30e_384.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.img_size = 384  # resizes the position embedding
load_from = _base_.pretrained.init_cfg.checkpoint  # including the head
