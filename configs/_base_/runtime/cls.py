_base_ = ['mmpretrain::_base_/default_runtime.py', './hooks.py']
default_hooks = dict(**_base_.hooks)
randomness = dict(seed=0)
