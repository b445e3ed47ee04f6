# ViTAEv2-S, 100 epochs on ImageNet-1k: attention performer, performer, performer, performer.
# bash tools/dist_train.sh configs/cls/ablations/vitaev2_s_100e_in1k_attention_pppp.py 8
_base_ = './vitaev2_s_100e_in1k.py'
attention = ['performer', 'performer', 'performer', 'performer']
model = dict(backbone=dict(attention=attention, reduction_attention=attention))
