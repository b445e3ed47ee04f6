# Narrow ViTAEv2, a tenth of CIFAR-10: attention performer, performer, performer, performer.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct_attention_pppp.py
_base_ = './vitaev2_5e_cifar10_10pct.py'
attention = ['performer', 'performer', 'performer', 'performer']
model = dict(backbone=dict(attention=attention, reduction_attention=attention))
