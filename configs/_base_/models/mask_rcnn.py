# Mask R-CNN with a feature pyramid, as in mmdet; the config gives the backbone.
_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'
