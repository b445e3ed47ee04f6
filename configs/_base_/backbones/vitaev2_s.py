# ViTAEv2-S: feature maps of strides 4, 8, 16 and 32.
backbone = dict(type='vitae_mm.ViTAEv2', arch='small', out_indices=(0, 1, 2, 3), drop_path_rate=0.1)
channels = [64, 128, 256, 512]
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitaev2_s_in1k.pth'))
classifier = dict(
    backbone=dict(backbone, out_indices=(3,), out_type='avg_featmap'),
    head=dict(in_channels=channels[-1]),
)
segmentation = dict(drop_path_rate=0.2)
pose = dict(out_indices=(3,), drop_path_rate=0.6)
