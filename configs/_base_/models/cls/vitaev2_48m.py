# ViTAEv2-48M. `pretrained`: what goes with ImageNet weights.
_base_ = './classifier.py'
model = dict(
    backbone=dict(type='vitae_mm.ViTAEv2', arch='48m', out_type='avg_featmap', drop_path_rate=0.25),
    head=dict(in_channels=768),
)
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitaev2_48m_in1k.pth'))
