# ViTAE-T, 100 epochs on ImageNet-1k: reduction cells without pyramid and parallel conv.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_normal_cell_only.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(backbone=dict(dilations=[[1], [1], [1]], reduction_pcm=False))
