_base_ = './common.py'
default_scope = 'mmpose'
default_hooks = dict(visualization=dict(type='PoseVisualizationHook', enable=False))
visualizer = dict(
    type='vitae_mm.KeypointVisualizer', vis_backends=_base_.vis_backends, name='visualizer'
)
