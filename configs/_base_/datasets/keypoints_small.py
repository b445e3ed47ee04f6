# Your own keypoints in COCO format, cropped by their boxes, 128x128, flipped, rotated and
# scaled; batch 8 on 2 processes. The config gives data_root, ann_file,
# data_prefix and the keypoints.
_base_ = './ap10k_256.py'
dataset_type = 'BaseCocoStyleDataset'
codec = dict(type='MSRAHeatmap', input_size=(128, 128), heatmap_size=(32, 32), sigma=1.5)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(type=dataset_type, pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(type=dataset_type, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='PCKAccuracy', thr=0.05), dict(type='EPE')]
test_evaluator = val_evaluator
