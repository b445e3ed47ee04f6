# Narrow ViTAEv2, a tenth of CIFAR-10: attention window, window, window, full.
# python tools/train.py configs/cls/mini/vitaev2_5e_cifar10_10pct_attention_wwwf.py
_base_ = './vitaev2_5e_cifar10_10pct.py'
attention = ['window', 'window', 'window', 'full']
model = dict(backbone=dict(attention=attention, reduction_attention=attention))
