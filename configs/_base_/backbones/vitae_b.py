# ViTAE-B, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.ViTAE', arch='base', drop_path_rate=0.3)
channels = 768
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_b_in1k.pth'))
