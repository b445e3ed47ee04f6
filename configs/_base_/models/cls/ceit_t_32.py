# CeiT-T for images of 32x32, with tokens of 8x8 pixels in place of 16x16.
_base_ = './ceit_t.py'
model = dict(
    backbone=dict(
        arch=dict(_delete_=True, dims=(192,), depths=(12,), num_heads=(3,), ratios=(8,)),
        img_size=32,
    )
)
