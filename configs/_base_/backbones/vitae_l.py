# ViTAE-L: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.ViTAE', arch='large', drop_path_rate=0.5)
channels = 1024
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_l_in1k.pth'))
classifier = dict(
    backbone=dict(backbone, out_type='avg_featmap', drop_path_rate=0.1),
    head=dict(in_channels=channels),
)
