# The same around ViTAE-L.
_base_ = './mae_vitae_b.py'
model = dict(backbone=dict(arch='large'), neck=dict(embed_dim=1024))
