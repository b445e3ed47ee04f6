# Swin-T: feature maps of strides 4, 8, 16 and 32. Classifiers use mmpretrain's.
backbone = dict(
    type='mmdet.SwinTransformer',
    embed_dims=96,
    depths=[2, 2, 6, 2],
    num_heads=[3, 6, 12, 24],
    window_size=7,
    drop_path_rate=0.2,
    out_indices=(0, 1, 2, 3),
    convert_weights=True,
)
channels = [96, 192, 384, 768]
pretrained = dict(
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://github.com/SwinTransformer/storage/releases/download/v1.0.0/'
        'swin_tiny_patch4_window7_224.pth',
    )
)
classifier = dict(
    backbone=dict(
        type='SwinTransformer',
        arch='tiny',
        drop_path_rate=0.1,
        init_cfg=[
            dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.0),
            dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
        ],
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(in_channels=channels[-1]),
)
segmentation = dict(drop_path_rate=0.3)
pose = dict(out_indices=(3,))
