# ViTAE-H. `pretrained`: what goes with ImageNet weights.
_base_ = './classifier.py'
model = dict(
    backbone=dict(type='vitae_mm.ViTAE', arch='huge', out_type='avg_featmap', drop_path_rate=0.1),
    head=dict(in_channels=1280),
)
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_h_in1k.pth'))
