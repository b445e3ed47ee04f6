# 300 epochs, batch 1024, with CeiT's 5 warm-up epochs.
_base_ = './cls_300e_b1024.py'
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=5)
param_scheduler[1].update(begin=5)
