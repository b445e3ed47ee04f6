# ViTAEv2-48M. `pretrained`: what goes with ImageNet weights, for dense tasks;
# `segmentation`, `pose`: what goes with those tasks.
backbone = dict(type='vitae_mm.ViTAEv2', arch='48m', out_indices=(0, 1, 2, 3), drop_path_rate=0.25)
channels = [96, 192, 384, 768]
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitaev2_48m_in1k.pth'))
segmentation = dict(drop_path_rate=0.2)
pose = dict(out_indices=(3,), drop_path_rate=0.6)
