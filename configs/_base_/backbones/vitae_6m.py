# ViTAE-6M: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.ViTAE', arch='6m', drop_path_rate=0.1)
channels = 256
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_6m_in1k.pth'))
classifier = dict(backbone=dict(backbone, out_type='avg_featmap'), head=dict(in_channels=channels))
