# CeiT-T, 100 epochs on ImageNet-1k: what the ablations of CeiT start from.
# bash tools/dist_train.sh configs/cls/ablations/ceit_t_100e_in1k.py 8
_base_ = '../ceit_t_300e_in1k.py'
train_cfg = dict(max_epochs=100)
