# ViTAE-T, 100 epochs on ImageNet-1k: reduction cells without parallel conv.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_no_reduction_pcm.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(backbone=dict(reduction_pcm=False))
