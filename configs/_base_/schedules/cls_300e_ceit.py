# 300 epochs as in cls_300e.py with batch 1024 and CeiT's 5 warm-up epochs.
_base_ = './cls_300e_b1024.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6 / 1e-3, end=5, convert_to_iter_based=True),
    # ends with the training, whatever its length
    dict(type='CosineAnnealingLR', begin=5, eta_min=1e-5, convert_to_iter_based=True),
]
