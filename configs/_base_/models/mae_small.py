# A masked autoencoder with a small decoder for 8x8 tokens. The config gives arch, image
# size, patch size and embed_dim.
_base_ = './mae.py'
model = dict(neck=dict(num_patches=64, decoder_embed_dim=128, decoder_depth=2, decoder_num_heads=4))
