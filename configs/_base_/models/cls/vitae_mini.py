# A narrow ViTAE-T for images of 32x32, 0.5M parameters, that two CPU cores train in
# minutes. Not a published network.
_base_ = './vitae_t.py'
model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            branch_dims=(24, 24, 48),
            dims=(24, 24, 96),
            depths=(0, 0, 4),
            num_heads=(1, 1, 2),
            mlp_ratios=(2, 2, 2),
            groups=(1, 1, 24),
            ratios=(2, 2, 2),
        )
    ),
    head=dict(in_channels=96),
)
