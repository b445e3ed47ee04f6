# ViTAE-S at 384, 30 epochs on ImageNet-1k from its weights at 224, batch 512.
# Paper (ViTAE, Table 2): top-1 83.0, top-5 96.2, ReaL 87.5.
# bash tools/dist_train.sh configs/cls/vitae_s_384_30e_in1k.py 8
_base_ = [
    '../_base_/backbones/vitae_s.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_384.py',
    '../_base_/schedules/cls_30e_384.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
load_from = _base_.pretrained.init_cfg.checkpoint  # including the head
