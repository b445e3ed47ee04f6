# The same around ViTAE-H.
_base_ = './mae_vitae_b.py'
model = dict(backbone=dict(arch='huge'), neck=dict(embed_dim=1280))
