# 100 epochs for small data on one GPU, batch 256: 1000 warm-up steps, cosine to 1e-5.
_base_ = './cls_small.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=100, val_interval=10)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, end=1000),
    dict(type='CosineAnnealingLR', eta_min=1e-5, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=256)
