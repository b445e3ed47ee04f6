# Narrow ViTAE, a tenth of CIFAR-10: no pyramid of dilations, no parallel conv.
# python tools/train.py configs/cls/mini/vitae_6e_cifar10_10pct_baseline.py
_base_ = './vitae_6e_cifar10_10pct.py'
model = dict(backbone=dict(dilations=[[1], [1], [1]], reduction_pcm=False, pcm_kernel_size=0))
