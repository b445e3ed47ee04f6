# The demo shapes (tools/make_demo_data.py) as class maps, at half their size, so
# that training takes minutes on a CPU.
_base_ = './masks_small.py'
crop_size = (96, 128)
train_pipeline = _base_.train_pipeline
test_pipeline = _base_.test_pipeline
train_pipeline[2].update(scale=(128, 96))
train_pipeline[3].update(crop_size=crop_size)
test_pipeline[1].update(scale=(128, 96))

classes = ('ground', 'triangle', 'square', 'star', 'cross')
palette = [[90, 90, 90], [220, 60, 60], [60, 160, 60], [240, 180, 40], [60, 90, 220]]
data = dict(data_root='data/shapes/', metainfo=dict(classes=classes, palette=palette))
train_dataloader = dict(
    dataset=dict(
        **data,
        data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        **data,
        data_prefix=dict(img_path='images/val', seg_map_path='masks/val'),
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
