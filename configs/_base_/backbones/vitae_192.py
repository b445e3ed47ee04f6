# A narrow ViTAE of 192 channels: one feature map of stride 16.
backbone = dict(
    type='vitae_mm.ViTAE',
    arch=dict(dims=(192,), depths=(6,), num_heads=(6,), groups=(48,), ratios=(16,)),
    img_size=128,
    drop_path_rate=0.1,
)
channels = 192
classifier = dict(backbone=dict(backbone, out_type='avg_featmap'), head=dict(in_channels=channels))
