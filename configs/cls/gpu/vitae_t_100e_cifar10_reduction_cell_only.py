# ViTAE-T, CIFAR-10: normal cells without parallel conv.
# python tools/train.py configs/cls/gpu/vitae_t_100e_cifar10_reduction_cell_only.py
_base_ = './vitae_t_100e_cifar10.py'
model = dict(backbone=dict(pcm_kernel_size=0))
