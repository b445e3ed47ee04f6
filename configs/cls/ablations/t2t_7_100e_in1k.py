# T2T-ViT-7, 100 epochs on ImageNet-1k: what ViTAE-T after 100 epochs is compared with.
# bash tools/dist_train.sh configs/cls/ablations/t2t_7_100e_in1k.py 8
_base_ = '../t2t_7_300e_in1k.py'
train_cfg = dict(max_epochs=100)
