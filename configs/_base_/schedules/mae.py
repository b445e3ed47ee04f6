# Masked pretraining (MAE, App. A.1): AdamW for a batch of 4096, 40 warm-up
# epochs, cosine to 0, no weight decay on norms, biases, position embeddings and tokens.
# The config gives max_epochs.
_base_ = './adamw.py'
optim_wrapper = dict(
    optimizer=dict(lr=2.4e-3, betas=(0.9, 0.95)),
    paramwise_cfg=dict(custom_keys=dict(mask_token=dict(decay_mult=0.0))),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=40, convert_to_iter_based=True),
    # ends with the training, whatever its length
    dict(type='CosineAnnealingLR', begin=40, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop')
auto_scale_lr = dict(enable=False, base_batch_size=4096)
