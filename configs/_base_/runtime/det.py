_base_ = ['mmdet::_base_/default_runtime.py', './shared.py']
default_hooks = dict(**_base_.hooks)
randomness = dict(seed=0)
