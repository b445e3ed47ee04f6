"""Registry nodes of the project.

mmengine imports this module when a config names the scope ``vitae_mm``, and
the listed locations on the first look-up, so that configs of any OpenMMLab
codebase find ``vitae_mm.ViTAEv2`` without ``custom_imports``.
"""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import STRATEGIES as MMENGINE_STRATEGIES
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry

MODELS = Registry(
    'model',
    parent=MMENGINE_MODELS,
    scope='vitae_mm',
    locations=['vitae_mm.backbones', 'vitae_mm.necks', 'vitae_mm.selfsup'],
)
HOOKS = Registry(
    'hook', parent=MMENGINE_HOOKS, scope='vitae_mm', locations=['vitae_mm.engine.hooks']
)
FUNCTIONS = Registry(
    'function',
    parent=MMENGINE_FUNCTIONS,
    scope='vitae_mm',
    locations=['vitae_mm.engine.hooks', 'vitae_mm.engine.sharding'],
)
OPTIM_WRAPPERS = Registry(
    'optim_wrapper',
    parent=MMENGINE_OPTIM_WRAPPERS,
    scope='vitae_mm',
    locations=['vitae_mm.engine.optim'],
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optim_wrapper_constructor',
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope='vitae_mm',
    locations=['vitae_mm.engine.optim'],
)
STRATEGIES = Registry(
    'strategy', parent=MMENGINE_STRATEGIES, scope='vitae_mm', locations=['vitae_mm.engine.sharding']
)
DATASETS = Registry(
    'dataset',
    parent=MMENGINE_DATASETS,
    scope='vitae_mm',
    locations=['vitae_mm.datasets.inaturalist', 'vitae_mm.datasets.stratified_subset'],
)
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='vitae_mm', locations=['vitae_mm.evaluation']
)
VISUALIZERS = Registry(
    'visualizer',
    parent=MMENGINE_VISUALIZERS,
    scope='vitae_mm',
    locations=['vitae_mm.visualization.pose'],
)
