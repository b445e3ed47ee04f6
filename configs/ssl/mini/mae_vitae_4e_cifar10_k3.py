# The same with 3x3 kernels while pretraining.
# python tools/train.py configs/ssl/mini/mae_vitae_4e_cifar10_k3.py
_base_ = './mae_vitae_4e_cifar10.py'
model = dict(backbone=dict(pcm_kernel_size=3))
