# ViTAE-H, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.ViTAE', arch='huge', drop_path_rate=0.55)
channels = 1280
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_h_in1k.pth'))
