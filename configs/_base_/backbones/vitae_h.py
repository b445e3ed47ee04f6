# ViTAE-H: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.ViTAE', arch='huge', drop_path_rate=0.55)
channels = 1280
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_h_in1k.pth'))
classifier = dict(
    backbone=dict(backbone, out_type='avg_featmap', drop_path_rate=0.1),
    head=dict(in_channels=channels),
)
