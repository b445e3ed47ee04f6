# ViTAE-T, 100 epochs on ImageNet-1k: the paper's head, with class token, sinusoids and norm.
# bash tools/dist_train.sh configs/cls/ablations/vitae_t_100e_in1k_neurips.py 8
_base_ = './vitae_t_100e_in1k.py'
model = dict(
    backbone=dict(out_type='cls_token', class_token=True, position='sinusoid', final_norm='tokens')
)
