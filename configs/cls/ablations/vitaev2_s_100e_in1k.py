# ViTAEv2-S, 100 epochs on ImageNet-1k: what the ablations of ViTAEv2 start from.
# bash tools/dist_train.sh configs/cls/ablations/vitaev2_s_100e_in1k.py 8
_base_ = '../vitaev2_s_300e_in1k.py'
train_cfg = dict(max_epochs=100)
