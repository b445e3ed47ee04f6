# CeiT-T at 384, 30 epochs on ImageNet-1k from its weights at 224, batch 512.
# Paper (CeiT): top-1 78.8, top-5 94.7, ReaL 85.6.
# bash tools/dist_train.sh configs/cls/ceit_t_384_30e_in1k.py 8
_base_ = [
    '../_base_/backbones/ceit_t.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_384.py',
    '../_base_/schedules/cls_30e_384.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
model.backbone.img_size = 384  # resizes the position embedding
load_from = _base_.pretrained.init_cfg.checkpoint  # including the head
