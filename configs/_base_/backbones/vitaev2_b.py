# ViTAEv2-B. `pretrained`: what goes with ImageNet weights, for dense tasks;
# `segmentation`, `pose`: what goes with those tasks.
backbone = dict(type='vitae_mm.ViTAEv2', arch='base', out_indices=(0, 1, 2, 3), drop_path_rate=0.4)
channels = [128, 256, 512, 1024]
pretrained = dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitaev2_b_in1k.pth'))
segmentation = dict(drop_path_rate=0.2)
pose = dict(out_indices=(3,), drop_path_rate=0.6)
