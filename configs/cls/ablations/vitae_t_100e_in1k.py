# ViTAE-T, 100 epochs on ImageNet-1k: what the ablations of ViTAE start from.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k.py 8
_base_ = '../vitae_t_300e_in1k.py'
train_cfg = dict(max_epochs=100)
