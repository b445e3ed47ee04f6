# ViTAE-T, 100 epochs on ImageNet-1k: dilations [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4].
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_dilations_1234_1234_1234.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(backbone=dict(dilations=[[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]))
