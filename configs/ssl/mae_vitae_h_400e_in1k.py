# Masked pretraining of ViTAE-H on ImageNet-1k without labels, 400 epochs, batch 4096:
# on 8 GPUs 64 images 8 times for each update.
# Paper (ViTAEv2): trains for 1600.
# bash tools/dist_train.sh configs/ssl/mae_vitae_h_400e_in1k.py 8 --amp
_base_ = [
    '../_base_/models/ssl/mae_vitae_h.py',  # another network: change this line
    '../_base_/datasets/in1k_mae.py',
    '../_base_/schedules/mae.py',
    '../_base_/runtime/cls.py',
]
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(accumulative_counts=8)
train_cfg = dict(max_epochs=400)
