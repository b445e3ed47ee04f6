# A masked autoencoder around a narrow ViTAE for images of 64x64, 8x8 tokens.
_base_ = './mae_vitae_b.py'
arch = dict(dims=(128,), depths=(4,), num_heads=(4,), groups=(32,), ratios=(8,))
model = dict(
    backbone=dict(arch=dict(_delete_=True, **arch), img_size=64),
    neck=dict(
        num_patches=64,
        patch_size=8,
        embed_dim=128,
        decoder_embed_dim=128,
        decoder_depth=2,
        decoder_num_heads=4,
    ),
    head=dict(patch_size=8),
)
