# ViTAE-S. `pretrained`: what goes with ImageNet weights.
_base_ = './classifier.py'
model = dict(
    backbone=dict(type='vitae_mm.ViTAE', arch='small', out_type='avg_featmap', drop_path_rate=0.1),
    head=dict(in_channels=384),
)
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_s_in1k.pth'))
