# ViTAE-L, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.ViTAE', arch='large', drop_path_rate=0.5)
channels = 1024
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_l_in1k.pth'))
