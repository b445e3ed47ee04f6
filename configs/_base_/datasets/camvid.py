# Street scenes with 11 classes: 367 training, 101 validation and 233 test images, resized
# to 192x144 with crops of 176x128; batch 4 on one process.
_base_ = './masks_small.py'
classes = ('sky', 'building', 'pole', 'road', 'pavement', 'tree',
           'sign_symbol', 'fence', 'car', 'pedestrian', 'bicyclist')  # fmt: skip
data = dict(data_root='data/camvid/', metainfo=dict(classes=classes))
train_dataloader = dict(
    batch_size=4,
    drop_last=True,
    dataset=dict(
        **data, data_prefix=dict(img_path='images/train', seg_map_path='annotations/train')
    ),
)
val_dataloader = dict(
    dataset=dict(**data, data_prefix=dict(img_path='images/val', seg_map_path='annotations/val'))
)
test_dataloader = dict(
    dataset=dict(**data, data_prefix=dict(img_path='images/test', seg_map_path='annotations/test'))
)
