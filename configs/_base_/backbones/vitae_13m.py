# ViTAE-13M: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.ViTAE', arch='13m', drop_path_rate=0.1)
channels = 320
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_13m_in1k.pth'))
classifier = dict(backbone=dict(backbone, out_type='avg_featmap'), head=dict(in_channels=channels))
