# ViTAE-L, 50 epochs on ImageNet-1k from its training on ImageNet-22k, batch 1024.
# Paper (ViTAEv2): top-1 87.5, ReaL 90.8.
# bash tools/dist_train.sh configs/cls/vitae_l_mae_in22k_50e_in1k.py 8 --amp
_base_ = './vitae_l_mae_50e_in1k.py'
model = dict(
    backbone=dict(init_cfg=dict(checkpoint='work_dirs/vitae_l_mae_90e_in22k/epoch_90.pth'))
)
