# 210 epochs for large pretrained transformers: AdamW with layer-wise learning rate decay
# and clipped gradients.
_base_ = './pose_210e.py'
optim_wrapper = dict(
    constructor='vitae_mm.LayerDecayOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, betas=(0.9, 0.999), weight_decay=0.1, fused=True),
    paramwise_cfg=dict(
        layer_decay_rate=0.75,
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys=dict(position=dict(decay_mult=0.0), cls_token=dict(decay_mult=0.0)),
    ),
    clip_grad=dict(max_norm=1.0),
)
