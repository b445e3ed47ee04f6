# For schedules in iterations.
_base_ = './seg_epochs.py'
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False), checkpoint=dict(by_epoch=False, interval=16000)
)
log_processor = dict(by_epoch=False)
