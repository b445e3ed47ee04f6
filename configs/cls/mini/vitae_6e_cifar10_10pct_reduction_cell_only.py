# Narrow ViTAE, a tenth of CIFAR-10: normal cells without parallel conv.
# python tools/train.py configs/cls/mini/vitae_6e_cifar10_10pct_reduction_cell_only.py
_base_ = './vitae_6e_cifar10_10pct.py'
model = dict(backbone=dict(pcm_kernel_size=0))
