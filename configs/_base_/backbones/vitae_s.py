# ViTAE-S: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.ViTAE', arch='small', drop_path_rate=0.1)
channels = 384
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_s_in1k.pth'))
classifier = dict(backbone=dict(backbone, out_type='avg_featmap'), head=dict(in_channels=channels))
