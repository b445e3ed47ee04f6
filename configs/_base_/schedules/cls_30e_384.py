# 30 epochs at a constant learning rate of 5e-6, batch 512, on a network trained at 224.
_base_ = './cls_adamw.py'
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=5e-6, weight_decay=1e-8))
param_scheduler = []
