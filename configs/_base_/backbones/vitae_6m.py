# ViTAE-6M, one map of stride 16: for models called *_isotropic. `pretrained`: what
# goes with ImageNet weights, for dense tasks.
backbone = dict(type='vitae_mm.ViTAE', arch='6m', drop_path_rate=0.1)
channels = 256
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitae_6m_in1k.pth'))
