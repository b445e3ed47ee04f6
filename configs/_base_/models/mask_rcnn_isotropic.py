# Mask R-CNN for a backbone of one scale; the config gives the backbone.
_base_ = './mask_rcnn.py'
model = dict(
    neck=dict(_delete_=True, type='vitae_mm.SimpleFeaturePyramid', out_channels=256, num_outs=5)
)
