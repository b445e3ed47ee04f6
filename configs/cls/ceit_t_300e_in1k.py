# CeiT-T, 300 epochs on ImageNet-1k, batch 1024.
# Paper (CeiT): top-1 76.4, top-5 93.4, ReaL 83.6.
# bash tools/dist_train.sh configs/cls/ceit_t_300e_in1k.py 8
_base_ = [
    '../_base_/backbones/ceit_t.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224_repeated.py',
    '../_base_/schedules/cls_300e_ceit.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
