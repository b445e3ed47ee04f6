# DeiT-T for images of 32x32, with patches of 8x8: 4x4 tokens. For classifiers only.
_base_ = './deit_t.py'
classifier = dict(backbone=dict(img_size=32, patch_size=8))
