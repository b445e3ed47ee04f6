# RetinaNet with a feature pyramid that starts at stride 8, as in mmdet; the config
# gives the backbone.
_base_ = 'mmdet::_base_/models/retinanet_r50_fpn.py'
model = dict(neck=dict(start_level=0))
