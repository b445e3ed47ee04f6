# The demo shapes (tools/make_demo_data.py): the corners of each, clockwise from
# the topmost; cropped to 96x96, so that training takes minutes on a CPU.
_base_ = './keypoints_small.py'
codec = dict(
    type='MSRAHeatmap', input_size=(96, 96), heatmap_size=(24, 24), sigma=1.5, unbiased=True
)
corners = {
    i: dict(name=f'corner{i + 1}', id=i, color=color, type='', swap='')
    for i, color in enumerate(
        ([230, 60, 60], [240, 180, 40], [60, 170, 60], [60, 170, 220], [150, 80, 220])
    )
}
sides = {
    i: dict(link=(f'corner{i + 1}', f'corner{i + 2}'), id=i, color=[200, 200, 200])
    for i in range(4)
}
metainfo = dict(
    dataset_name='shapes',
    keypoint_info=corners,
    skeleton_info=sides,
    joint_weights=[1.0] * 5,
    sigmas=[0.05] * 5,
)
# no flips and rotations: they would change the order of the corners
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomBBoxTransform', rotate_prob=0.0),
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
data = dict(data_root='data/shapes/', metainfo=metainfo)
annotations = 'annotations/keypoints_{}.json'
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        **data,
        ann_file=annotations.format('train'),
        data_prefix=dict(img='images/train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        **data,
        ann_file=annotations.format('val'),
        data_prefix=dict(img='images/val/'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = [
    *_base_.val_evaluator,
    dict(type='CocoMetric', ann_file='data/shapes/' + annotations.format('val')),
]
test_evaluator = val_evaluator
