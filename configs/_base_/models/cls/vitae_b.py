# ViTAE-B. `pretrained`: what goes with ImageNet weights.
_base_ = './classifier.py'
model = dict(
    backbone=dict(
        type='vitae_mm.ViTAE',
        arch='base',
        out_type='avg_featmap',
        drop_path_rate=0.4,
        drop_rate=0.1,
    ),
    head=dict(in_channels=768),
)
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_b_in1k.pth'))
