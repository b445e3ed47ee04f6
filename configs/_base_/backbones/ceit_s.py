# CeiT-S: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.CeiT', arch='small', drop_path_rate=0.1)
channels = 384
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/ceit_s_in1k.pth'))
classifier = dict(backbone=dict(backbone, out_type='cls_token'), head=dict(in_channels=channels))
