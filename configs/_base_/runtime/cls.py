_base_ = ['mmpretrain::_base_/default_runtime.py', './shared.py']
default_hooks = dict(**_base_.hooks)
# images have one size, for which cuDNN searches the fastest convs
env_cfg = dict(cudnn_benchmark=True)
randomness = dict(seed=0)
