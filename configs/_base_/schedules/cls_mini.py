# 6 epochs for narrow networks, batch 64, validated once.
_base_ = './cls_small.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_cfg = dict(max_epochs=6, val_interval=6)
