# 100 epochs for small data on one GPU, batch 256: 1000 warm-up steps, cosine to 1e-5.
_base_ = './cls_small.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=100, val_interval=10)
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=1000)
auto_scale_lr = dict(base_batch_size=256)
