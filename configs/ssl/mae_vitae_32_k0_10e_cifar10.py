# The same with no parallel convs.
# python tools/train.py configs/ssl/mae_vitae_32_k0_10e_cifar10.py
_base_ = './mae_vitae_32_10e_cifar10.py'
model = dict(backbone=dict(pcm_kernel_size=0))
