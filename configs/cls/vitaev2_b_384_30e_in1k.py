# ViTAEv2-B at 384, 30 epochs on ImageNet-1k from its weights at 224, batch 512.
# Paper (ViTAEv2): top-1 85.3.
# bash tools/dist_train.sh configs/cls/vitaev2_b_384_30e_in1k.py 8
_base_ = [
    '../_base_/backbones/vitaev2_b.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_384.py',
    '../_base_/schedules/cls_30e_384.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
load_from = _base_.pretrained.init_cfg.checkpoint  # including the head
optim_wrapper = dict(clip_grad=dict(max_norm=5.0))
