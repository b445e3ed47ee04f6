# ViTAE-T, CIFAR-10: reduction cells without pyramid and parallel conv.
# python tools/train.py configs/cls/gpu/vitae_t_100e_cifar10_normal_cell_only.py
_base_ = './vitae_t_100e_cifar10.py'
model = dict(backbone=dict(dilations=[[1], [1], [1]], reduction_pcm=False))
