# CeiT-T. `pretrained`: what goes with ImageNet weights.
_base_ = './classifier.py'
model = dict(
    backbone=dict(type='vitae_mm.CeiT', arch='tiny', out_type='cls_token', drop_path_rate=0.1),
    head=dict(in_channels=192),
)
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/ceit_t_in1k.pth'))
