# ViTAEv2-B: feature maps of strides 4, 8, 16 and 32.
backbone = dict(type='vitae_mm.ViTAEv2', arch='base', out_indices=(0, 1, 2, 3), drop_path_rate=0.4)
channels = [128, 256, 512, 1024]
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitaev2_b_in1k.pth'))
classifier = dict(
    backbone=dict(backbone, out_indices=(3,), out_type='avg_featmap', drop_rate=0.1),
    head=dict(in_channels=channels[-1]),
)
segmentation = dict(drop_path_rate=0.2)
pose = dict(out_indices=(3,), drop_path_rate=0.6)
