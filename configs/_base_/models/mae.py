# A masked autoencoder around ViTAE, 75 % of the tokens masked: mmpretrain's decoder and
# target (pixels, normalized by patch). The config gives the arch and the decoder's
# embed_dim.
_base_ = 'mmpretrain::_base_/models/mae_vit-base-p16.py'
model = dict(backbone=dict(_delete_=True, type='vitae_mm.MaskedViTAE', mask_ratio=0.75))
