# ViTAEv2-S, 100 epochs on ImageNet-1k: attention window, full, full, full.
# bash tools/dist_train.sh configs/cls/ablations/vitaev2_s_100e_in1k_attention_wfff.py 8
_base_ = './vitaev2_s_100e_in1k.py'
attention = ['window', 'full', 'full', 'full']
model = dict(backbone=dict(attention=attention, reduction_attention=attention))
