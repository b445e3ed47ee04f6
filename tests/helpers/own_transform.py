"""A transform that is part of no codebase, and fails."""

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class OwnTransform(BaseTransform):
    def transform(self, results):
        return results['missing']
