# 100 epochs, batch 512: 2 warm-up epochs from 1e-6, cosine to 1e-5. No averaged
# weights: a decay of .99996 averages over more steps than a training on small data has.
_base_ = './cls_adamw.py'
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_interval=1)
optim_wrapper = dict(optimizer=dict(weight_decay=1e-8))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6 / 5e-4, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=2, eta_min=1e-5, convert_to_iter_based=True),
]
