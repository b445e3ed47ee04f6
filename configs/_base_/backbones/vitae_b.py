# ViTAE-B: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.ViTAE', arch='base', drop_path_rate=0.3)
channels = 768
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_b_in1k.pth'))
classifier = dict(
    backbone=dict(backbone, out_type='avg_featmap', drop_path_rate=0.4, drop_rate=0.1),
    head=dict(in_channels=channels),
)
