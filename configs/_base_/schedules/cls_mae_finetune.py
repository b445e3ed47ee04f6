# Finetuning after masked pretraining, as in mmpretrain: AdamW for a batch of 1024, 5 warm-up
# epochs, cosine to 1e-6, layer-wise learning rate decay. The config gives max_epochs.
_base_ = './cls_adamw.py'
optim_wrapper = dict(
    constructor='vitae_mm.LayerDecayOptimWrapperConstructor',
    optimizer=dict(lr=2e-3),
    paramwise_cfg=dict(layer_decay_rate=0.65),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=5, convert_to_iter_based=True),
    # ends with the training, whatever its length
    dict(type='CosineAnnealingLR', begin=5, eta_min=1e-6, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', val_interval=1)
auto_scale_lr = dict(base_batch_size=1024)
