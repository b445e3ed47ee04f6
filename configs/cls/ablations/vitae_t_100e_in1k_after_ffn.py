# ViTAE-T, 100 epochs on ImageNet-1k: parallel convs join after the FFN.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_after_ffn.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(backbone=dict(pcm_fusion='after_ffn'))
