# As small.py, for pose estimators and a batch of 8.
_base_ = './small.py'
train_cfg = dict(max_epochs=40, val_interval=10)
auto_scale_lr = dict(base_batch_size=8)
