"""Registries of the package.

mmengine imports this module when a config uses the scope ``vitae_mm``, and imports the modules
listed here on the first lookup, so that configs of any OpenMMLab codebase find ``vitae_mm.ViTAEv2``
without ``custom_imports``.
"""

from mmengine import registry as root
from mmengine.registry import Registry


def _registry(parent: Registry, *modules: str) -> Registry:
    """Creates a child of one of mmengine's registries for the classes in these modules."""
    locations = [f'vitae_mm.{module}' for module in modules]
    return Registry(parent.name, parent=parent, scope='vitae_mm', locations=locations)


DATASETS = _registry(root.DATASETS, 'datasets.inaturalist', 'datasets.stratified_subset')
FUNCTIONS = _registry(root.FUNCTIONS, 'engine.hooks', 'engine.sharding')
HOOKS = _registry(root.HOOKS, 'engine.hooks')
METRICS = _registry(root.METRICS, 'evaluation')
MODELS = _registry(root.MODELS, 'backbones', 'necks', 'selfsup')
OPTIM_WRAPPERS = _registry(root.OPTIM_WRAPPERS, 'engine.optim')
OPTIM_WRAPPER_CONSTRUCTORS = _registry(root.OPTIM_WRAPPER_CONSTRUCTORS, 'engine.optim')
STRATEGIES = _registry(root.STRATEGIES, 'engine.sharding')
VISUALIZERS = _registry(root.VISUALIZERS, 'visualization.pose')
