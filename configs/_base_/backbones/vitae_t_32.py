# ViTAE-T for images of 32x32: strides 2, 2, 2 instead of 4, 2, 2 give 4x4 tokens.
backbone = dict(
    type='vitae_mm.ViTAE',
    arch=dict(
        branch_dims=(64, 64, 128),
        dims=(64, 64, 256),
        depths=(0, 0, 7),
        num_heads=(1, 1, 4),
        mlp_ratios=(2, 2, 2),
        groups=(1, 1, 64),
        ratios=(2, 2, 2),
    ),
    drop_path_rate=0.1,
)
channels = 256
classifier = dict(backbone=dict(backbone, out_type='avg_featmap'), head=dict(in_channels=channels))
