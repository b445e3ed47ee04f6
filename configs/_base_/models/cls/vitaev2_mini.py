# A narrow ViTAEv2 for images of 32x32, 0.4M parameters. Not a published network.
_base_ = './vitaev2_s.py'
model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            branch_dims=(8, 16, 32, 48),
            dims=(8, 16, 48, 96),
            depths=(2, 2, 1, 1),  # shifts need a second cell
            num_heads=(1, 1, 2, 4),
            reduction_heads=(1, 1, 1, 2),
            groups=(1, 4, 12, 24),
            reduction_groups=(1, 4, 8, 16),
            ratios=(2, 2, 2, 2),
        )
    ),
    head=dict(in_channels=96),
)
