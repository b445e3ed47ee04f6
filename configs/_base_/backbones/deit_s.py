# DeiT-S of mmpretrain, for classifiers only.
classifier = dict(
    backbone=dict(
        type='VisionTransformer',
        arch='deit-small',
        out_type='cls_token',
        drop_path_rate=0.1,
        init_cfg=[
            dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.0),
            dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
        ],
    ),
    head=dict(in_channels=384),
)
