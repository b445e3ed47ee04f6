# 300 epochs as in cls_300e.py with batch 1024.
_base_ = './cls_300e.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6 / 1e-3, end=10, convert_to_iter_based=True),
    # ends with the training, whatever its length
    dict(type='CosineAnnealingLR', begin=10, eta_min=1e-5, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=1024)
