# T2T-ViT-14 of mmpretrain, for classifiers only.
classifier = dict(
    backbone=dict(
        type='T2T_ViT',
        embed_dims=384,
        num_layers=14,
        layer_cfgs=dict(num_heads=6, feedforward_channels=1152),
        t2t_cfg=dict(token_dims=64, use_performer=False),  # mmpretrain has no T2T Performer
        drop_path_rate=0.1,
        init_cfg=[
            dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.0),
            dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
        ],
    ),
    head=dict(in_channels=384),
)
