# ViTAE-B, 300 epochs on ImageNet-1k, batch 512.
# The paper (ViTAEv2) has scores after masked pretraining only: vitae_b_mae_100e_in1k.py.
# bash tools/dist_train.sh configs/cls/vitae_b_300e_in1k.py 8
_base_ = [
    '../_base_/backbones/vitae_b.py',  # another backbone: change this line
    '../_base_/models/classifier.py',
    '../_base_/datasets/in1k_224.py',
    '../_base_/schedules/cls_300e.py',
    '../_base_/runtime/cls.py',
]
model = _base_.classifier
optim_wrapper = dict(optimizer=dict(weight_decay=0.065), clip_grad=dict(max_norm=5.0))
