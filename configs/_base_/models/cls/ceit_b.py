# CeiT-B. `pretrained`: what goes with ImageNet weights.
_base_ = './classifier.py'
model = dict(
    backbone=dict(type='vitae_mm.CeiT', arch='base', out_type='cls_token', drop_path_rate=0.1),
    head=dict(in_channels=768),
)
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/ceit_b_in1k.pth'))
