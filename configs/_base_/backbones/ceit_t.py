# CeiT-T, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.CeiT', arch='tiny', drop_path_rate=0.1)
channels = 192
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/ceit_t_in1k.pth'))
