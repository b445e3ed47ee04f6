# The demo shapes (tools/make_demo_data.py): the corners of each, clockwise from
# the topmost; cut out at 96x96, so that training takes minutes on a CPU.
_base_ = './keypoints_small.py'
codec = dict(_base_.codec, input_size=(96, 96), heatmap_size=(24, 24))
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
# flipped or turned, a shape would have its corners in another order
train_pipeline = [step for step in _base_.train_pipeline if step['type'] != 'RandomFlip']
train_pipeline[2].update(rotate_prob=0.0)
train_pipeline[3].update(input_size=codec['input_size'])
train_pipeline[4].update(encoder=codec)
test_pipeline = _base_.test_pipeline
test_pipeline[2].update(input_size=codec['input_size'])
data = dict(data_root='data/shapes/', metainfo=metainfo)
annotations = 'annotations/keypoints_{}.json'
train_dataloader = dict(
    dataset=dict(
        **data,
        ann_file=annotations.format('train'),
        data_prefix=dict(img='images/train/'),
        pipeline=train_pipeline,
    )
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
