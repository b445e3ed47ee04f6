# A short schedule for small data from scratch, for a batch of 64. The cosine ends with
# max_epochs, which the config may set.
_base_ = './cls_adamw.py'
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=10, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, end=50),
    dict(type='CosineAnnealingLR', eta_min=1e-5, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=64)
