"""A transform that fails in one process of many."""

import os
import time

from mmcv.transforms import LoadImageFromFile
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class FailInRank(LoadImageFromFile):
    def __init__(self, rank, **kwargs):
        super().__init__(**kwargs)
        self.rank = rank

    def transform(self, results):
        if os.environ['RANK'] == str(self.rank):
            raise RuntimeError(f'cannot read {results["img_path"]} at {time.time()}')
        return super().transform(results)
