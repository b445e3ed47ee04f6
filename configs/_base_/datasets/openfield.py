# A mouse seen from above with 4 keypoints: 92 training and 24 validation images, cropped by
# its box, 128x128; batch 8 on one process.
_base_ = './keypoints_small.py'
points = dict(snout='', leftear='rightear', rightear='leftear', tailbase='')  # name: swap
links = (('snout', 'leftear'), ('snout', 'rightear'), ('leftear', 'tailbase'))
metainfo = dict(
    dataset_name='openfield',
    keypoint_info={i: dict(name=name, id=i, color=[255, 60 * i, 0], type='', swap=swap)
                   for i, (name, swap) in enumerate(points.items())},
    skeleton_info={i: dict(link=link, id=i, color=[0, 200, 255]) for i, link in enumerate(links)},
    joint_weights=[1.0] * len(points),
    sigmas=[0.05] * len(points),
)  # fmt: skip
data = dict(data_root='data/openfield/', metainfo=metainfo)
train_dataloader = dict(
    batch_size=8,
    drop_last=True,
    dataset=dict(**data, ann_file='train.json', data_prefix=dict(img='train/')),
)
val_dataloader = dict(
    batch_size=8, dataset=dict(**data, ann_file='val.json', data_prefix=dict(img='val/'))
)
test_dataloader = val_dataloader
