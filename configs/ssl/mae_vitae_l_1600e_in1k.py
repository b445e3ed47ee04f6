# Masked pretraining of ViTAE-L on ImageNet-1k without labels, 1600 epochs, batch 4096:
# 128 images per GPU in 4 accumulated steps on 8 GPUs.
# Paper (ViTAEv2): the same schedule; scores after finetuning: cls/vitae_l_mae_50e_in1k.py.
# A shorter schedule: --cfg-options train_cfg.max_epochs=400
# bash tools/dist_train.sh configs/ssl/mae_vitae_l_1600e_in1k.py 8 --amp
_base_ = [
    '../_base_/backbones/vitae_l.py',  # another backbone: change this line
    '../_base_/models/mae.py',
    '../_base_/datasets/in1k_mae.py',
    '../_base_/schedules/mae.py',
    '../_base_/runtime/cls.py',
]
model = dict(backbone=dict(arch=_base_.backbone.arch), neck=dict(embed_dim=_base_.channels))
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(accumulative_counts=4)
train_cfg = dict(max_epochs=1600)
