# A narrow ViTAE of patches for images of 32x32, 8x8 tokens; goes with mae_vitae_32.
_base_ = './vitae_b.py'
model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True, dims=(192,), depths=(6,), num_heads=(3,), groups=(48,), ratios=(4,)
        ),
        img_size=32,
        drop_path_rate=0.1,
        drop_rate=0.0,
    ),
    head=dict(in_channels=192),
)
