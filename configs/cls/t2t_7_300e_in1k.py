# T2T-ViT-7, 300 epochs on ImageNet-1k, batch 512.
# Paper (ViTAE, Table 2): top-1 71.7, top-5 90.9, ReaL 79.7.
# bash tools/dist_train.sh configs/cls/t2t_7_300e_in1k.py 8
_base_ = [
    '../_base_/backbones/t2t_7.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_300e.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
optim_wrapper = dict(optimizer=dict(weight_decay=0.03))
