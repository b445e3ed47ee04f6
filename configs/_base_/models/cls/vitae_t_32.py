# ViTAE-T for images of 32x32: strides 2, 2, 2 instead of 4, 2, 2, so that there
# are 4x4 tokens.
_base_ = './vitae_t.py'
model = dict(
    backbone=dict(
        arch=dict(
            _delete_=True,
            branch_dims=(64, 64, 128),
            dims=(64, 64, 256),
            depths=(0, 0, 7),
            num_heads=(1, 1, 4),
            mlp_ratios=(2, 2, 2),
            groups=(1, 1, 64),
            ratios=(2, 2, 2),
        )
    )
)
