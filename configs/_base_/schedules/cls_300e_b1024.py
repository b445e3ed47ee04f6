# 300 epochs as in cls_300e.py with batch 1024.
_base_ = './cls_300e.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(start_factor=1e-6 / 1e-3)
auto_scale_lr = dict(base_batch_size=1024)
