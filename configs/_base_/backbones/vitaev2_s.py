# ViTAEv2-S. `pretrained`: what goes with ImageNet weights, for dense tasks;
# `segmentation`, `pose`: what goes with those tasks.
backbone = dict(type='vitae_mm.ViTAEv2', arch='small', out_indices=(0, 1, 2, 3), drop_path_rate=0.1)
channels = [64, 128, 256, 512]
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitaev2_s_in1k.pth'))
segmentation = dict(drop_path_rate=0.2)
pose = dict(out_indices=(3,), drop_path_rate=0.6)
