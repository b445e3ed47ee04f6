# Mask R-CNN for CPUs and small data from scratch: narrow heads, few sampled
# regions (more would cost more than the backbone), and group norm in neck and
# heads, as is usual when training without pretrained weights.
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'
norm_cfg = dict(type='GN', num_groups=32)
model = dict(
    neck=dict(out_channels=128, norm_cfg=norm_cfg),
    rpn_head=dict(in_channels=128, feat_channels=128),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=128),
        bbox_head=dict(
            type='ConvFCBBoxHead',
            in_channels=128,
            num_shared_convs=1,
            conv_out_channels=128,
            num_shared_fcs=1,
            fc_out_channels=256,
            norm_cfg=norm_cfg,
        ),
        mask_roi_extractor=dict(out_channels=128),
        mask_head=dict(in_channels=128, conv_out_channels=64, num_convs=2, norm_cfg=norm_cfg),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=200), rcnn=dict(sampler=dict(num=64))
    ),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=200)),
)
