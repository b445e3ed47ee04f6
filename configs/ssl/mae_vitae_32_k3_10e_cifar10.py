# The same with 3x3 kernels while pretraining.
# python tools/train.py configs/ssl/mae_vitae_32_k3_10e_cifar10.py
_base_ = './mae_vitae_32_10e_cifar10.py'
model = dict(backbone=dict(pcm_kernel_size=3))
