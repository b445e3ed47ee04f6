# UperNet for a backbone of one scale; the config gives the backbone.
_base_ = './upernet.py'
model = dict(
    neck=dict(type='vitae_mm.SimpleFeaturePyramid', out_channels=256),
    decode_head=dict(in_channels=[256] * 4),
    auxiliary_head=dict(in_channels=256),
)
