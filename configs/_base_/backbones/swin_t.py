# Swin-T. `pretrained`: what goes with ImageNet weights, for dense tasks;
# `segmentation`, `pose`: what goes with those tasks.
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
segmentation = dict(drop_path_rate=0.3)
pose = dict(out_indices=(3,))
