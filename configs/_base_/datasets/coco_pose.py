# COCO persons cropped by their boxes, 192 wide and 256 high, validated on the
# boxes of a person detector; batch 64 on each of 8 GPUs.
# Download https://cocodataset.org to data/coco.
_base_ = './ap10k_256.py'
dataset_type = 'CocoDataset'
codec = dict(type='MSRAHeatmap', input_size=(192, 256), heatmap_size=(48, 64), sigma=2)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
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
data = dict(type=dataset_type, data_root='data/coco/')
annotations = 'annotations/person_keypoints_{}2017.json'
train_dataloader = dict(
    dataset=dict(
        **data,
        ann_file=annotations.format('train'),
        data_prefix=dict(img='train2017/'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        **data,
        ann_file=annotations.format('val'),
        bbox_file='data/coco/person_detection_results/COCO_val2017_detections_AP_H_56_person.json',
        data_prefix=dict(img='val2017/'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file='data/coco/' + annotations.format('val'))
test_evaluator = val_evaluator
