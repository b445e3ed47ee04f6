# Optimizer for classifiers, for a batch of 512.
_base_ = './adamw.py'
auto_scale_lr = dict(enable=False, base_batch_size=512)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
