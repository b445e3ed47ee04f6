# Narrow ViTAEv2, a tenth of CIFAR-10: attention window, window, window, window.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct_attention_wwww.py
_base_ = './vitaev2_5e_cifar10_10pct.py'
attention = ['window', 'window', 'window', 'window']
model = dict(backbone=dict(attention=attention, reduction_attention=attention))
