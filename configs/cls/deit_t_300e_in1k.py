# DeiT-T, 300 epochs on ImageNet-1k, batch 512.
# Paper (ViTAE, Table 2): top-1 72.2, top-5 91.1, ReaL 80.6.
# bash tools/dist_train.sh configs/cls/deit_t_300e_in1k.py 8
_base_ = [
    '../_base_/backbones/deit_t.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_300e.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
optim_wrapper = dict(optimizer=dict(weight_decay=0.03))
