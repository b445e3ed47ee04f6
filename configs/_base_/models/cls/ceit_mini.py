# A narrow CeiT for images of 32x32, 0.9M parameters. Not a published network.
_base_ = './ceit_t.py'
model = dict(
    backbone=dict(
        arch=dict(_delete_=True, dims=(96,), depths=(6,), num_heads=(3,), ratios=(8,)), img_size=32
    ),
    head=dict(in_channels=96),
)
