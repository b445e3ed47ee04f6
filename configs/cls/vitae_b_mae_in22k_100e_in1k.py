# ViTAE-B, 100 epochs on ImageNet-1k from its training on ImageNet-22k, batch 1024.
# Paper (ViTAEv2): top-1 84.8, ReaL 89.9.
# bash tools/dist_train.sh configs/cls/vitae_b_mae_in22k_100e_in1k.py 8 --amp
_base_ = './vitae_b_mae_100e_in1k.py'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint='work_dirs/vitae_b_mae_90e_in22k/epoch_90.pth'))
)
