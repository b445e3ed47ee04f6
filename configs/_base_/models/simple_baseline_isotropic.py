# Heatmaps from a backbone of one scale, as ViTPose's simple head makes them: the
# map of stride 16 is enlarged four times, then one conv. The config gives the
# backbone, its channels and the codec.
_base_ = './simple_baseline.py'
model = dict(
    neck=dict(type='FeatureMapProcessor', scale_factor=4.0, apply_relu=True),
    head=dict(deconv_out_channels=None, final_layer=dict(kernel_size=3, padding=1)),
    test_cfg=dict(shift_heatmap=False),
)
