# mask_rcnn_small.py for images of 200 pixels with round objects: 64 channels, four
# levels, two anchors per place, few regions. One sample per bin of RoIAlign, which on a
# CPU would otherwise take a third of a training step.
_base_ = './mask_rcnn_small.py'
extractor = dict(out_channels=64, roi_layer=dict(sampling_ratio=1))
proposals = dict(nms_pre=300, max_per_img=100)
model = dict(
    data_preprocessor=dict(pad_size_divisor=16),
    neck=dict(out_channels=64, num_outs=4),
    rpn_head=dict(
        in_channels=64,
        feat_channels=64,
        anchor_generator=dict(scales=[6], ratios=[0.75, 1.33], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(finest_scale=14, **extractor),
        bbox_head=dict(in_channels=64, conv_out_channels=64),
        mask_roi_extractor=extractor,
        mask_head=dict(in_channels=64),
    ),
    train_cfg=dict(rpn_proposal=proposals),
    test_cfg=dict(rpn=proposals),
)
