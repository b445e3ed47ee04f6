# ViTAE-13M, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.ViTAE', arch='13m', drop_path_rate=0.1)
channels = 320
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_13m_in1k.pth'))
