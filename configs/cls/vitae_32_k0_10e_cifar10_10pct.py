# A narrow ViTAE of patches from scratch on a tenth of CIFAR-10, without parallel convs: 50,000
# images seen.
# python tools/train.py configs/cls/vitae_32_k0_10e_cifar10_10pct.py
_base_ = './vitae_32_10e_cifar10_10pct.py'
model = dict(backbone=dict(pcm_kernel_size=0))
