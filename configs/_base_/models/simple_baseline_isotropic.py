# ViTPose's simple head for a backbone of one scale: upsamples the feature map of
# stride 16 four times, then applies one conv. The config gives the
# backbone, its channels and the codec.
_base_ = './simple_baseline.py'
model = dict(
    neck=dict(type='FeatureMapProcessor', scale_factor=4.0, apply_relu=True),
    head=dict(deconv_out_channels=None, final_layer=dict(kernel_size=3, padding=1)),
    test_cfg=dict(shift_heatmap=False),
)
