# Narrow ViTAE, a tenth of CIFAR-10: reduction cells without pyramid and parallel conv.
# python tools/train.py configs/cls/mini/vitae_6e_cifar10_10pct_normal_cell_only.py
_base_ = './vitae_6e_cifar10_10pct.py'
model = dict(backbone=dict(dilations=[[1], [1], [1]], reduction_pcm=False))
