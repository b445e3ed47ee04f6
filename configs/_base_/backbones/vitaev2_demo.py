# ViTAEv2 at half the width of S and half its depth: 3.9M parameters, trains on two CPU
# cores in minutes. Not a published network.
backbone = dict(
    type='vitae_mm.ViTAEv2',
    arch=dict(
        branch_dims=(32, 32, 64, 128),
        dims=(32, 64, 128, 256),
        depths=(1, 1, 4, 2),
        num_heads=(1, 2, 4, 8),
        reduction_heads=(1, 1, 2, 4),
        groups=(1, 16, 32, 64),
        reduction_groups=(1, 8, 16, 32),
    ),
    out_indices=(0, 1, 2, 3),
)
channels = [32, 64, 128, 256]
classifier = dict(
    backbone=dict(backbone, out_indices=(3,), out_type='avg_featmap'),
    head=dict(in_channels=channels[-1]),
)
