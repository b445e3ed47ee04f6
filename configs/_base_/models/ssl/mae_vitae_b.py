# A masked autoencoder around ViTAE-B, 75 % of the tokens masked: mmpretrain's
# decoder and target (pixels, normalised by patch).
_base_ = 'mmpretrain::_base_/models/mae_vit-base-p16.py'
model = dict(
    backbone=dict(_delete_=True, type='vitae_mm.MaskedViTAE', arch='base', mask_ratio=0.75)
)
