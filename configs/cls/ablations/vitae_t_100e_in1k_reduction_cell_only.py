# ViTAE-T, 100 epochs on ImageNet-1k: normal cells without parallel conv.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_reduction_cell_only.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(backbone=dict(pcm_kernel_size=0))
