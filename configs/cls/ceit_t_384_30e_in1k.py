# CeiT-T at 384, 30 epochs on ImageNet-1k from its weights at 224, batch 512.
# Paper (CeiT): top-1 78.8.
# bash tools/dist_train.sh configs/cls/ceit_t_384_30e_in1k.py 8
_base_ = [
    '../_base_/models/cls/ceit_t.py',  # another network: change this line
    '../_base_/datasets/in1k_384.py',
    '../_base_/schedules/cls_30e_384.py',
    '../_base_/runtime/cls.py',
]
load_from = _base_.pretrained.init_cfg.checkpoint  # with its head
model = dict(backbone=dict(img_size=384))  # resizes the position embedding
