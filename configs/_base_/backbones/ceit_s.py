# CeiT-S, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.CeiT', arch='small', drop_path_rate=0.1)
channels = 384
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/ceit_s_in1k.pth'))
