# ResNet-50, of mmpretrain.
_base_ = './classifier.py'
model = dict(
    backbone=dict(type='ResNet', depth=50, out_indices=(3,), drop_path_rate=0.1),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(in_channels=2048),
)
