# 300 epochs, batch 512: 10 warm-up epochs from 1e-6, cosine to 1e-5, averaged weights.
_base_ = './cls_adamw.py'
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=300, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6 / 5e-4, end=10, convert_to_iter_based=True),
    # ends with the training, whatever its length
    dict(type='CosineAnnealingLR', begin=10, eta_min=1e-5, convert_to_iter_based=True),
]
# averages batch statistics too, as timm does, so that they fit the weights
custom_hooks = [dict(type='EMAHook', momentum=4e-5, update_buffers=True)]
