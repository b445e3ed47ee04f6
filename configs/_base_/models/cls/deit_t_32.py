# DeiT-T for images of 32x32, with patches of 8x8: 4x4 tokens.
_base_ = './deit_t.py'
model = dict(backbone=dict(img_size=32, patch_size=8))
