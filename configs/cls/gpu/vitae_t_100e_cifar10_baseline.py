# ViTAE-T, CIFAR-10: no pyramid of dilations, no parallel conv.
# python tools/train.py configs/cls/gpu/vitae_t_100e_cifar10_baseline.py
_base_ = './vitae_t_100e_cifar10.py'
model = dict(backbone=dict(dilations=[[1], [1], [1]], reduction_pcm=False, pcm_kernel_size=0))
