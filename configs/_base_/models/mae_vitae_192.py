# A masked autoencoder around a narrow ViTAE, for images of 128x128.
_base_ = ['../backbones/vitae_192.py', './mae_small.py']
model = dict(
    backbone=dict(arch=_base_.backbone.arch, img_size=128), neck=dict(embed_dim=_base_.channels)
)
