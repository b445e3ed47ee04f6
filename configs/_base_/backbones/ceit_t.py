# CeiT-T: one feature map of stride 16, for models named *_isotropic.
backbone = dict(type='vitae_mm.CeiT', arch='tiny', drop_path_rate=0.1)
channels = 192
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/ceit_t_in1k.pth'))
classifier = dict(backbone=dict(backbone, out_type='cls_token'), head=dict(in_channels=channels))
