"""The families of the codebases' zoos with a ResNet-50, each with another backbone."""

import copy
import importlib.util
import re
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import MessageHub
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from vitae_mm.engine.backbone_swap import replace_backbone, walk
from vitae_mm.engine.config import iter_dicts, type_name
from vitae_mm.errors import InputError

from . import head_samples

CODEBASES = [name for name in ('mmdet', 'mmseg', 'mmpose') if importlib.util.find_spec(name)]
BACKBONES = {
    'ViTAEv2-S': dict(type='vitae_mm.ViTAEv2', arch='small'),
    'ViTAE-T': dict(type='vitae_mm.ViTAE', arch='tiny'),
}
NAMES_R50 = re.compile(r'(?<![a-z0-9])(r|r-|res|resnet|resnetv1c)50(?![0-9])')
CHOSEN = {
    'mmdet/cascade_rpn': 'cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco.py',
    'mmdet/guided_anchoring': 'ga-retinanet_r50-caffe_fpn_1x_coco.py',
    'mmdet/lad': 'lad_r50-paa-r101_fpn_2xb8_coco_1x.py',
    'mmdet/libra_rcnn': 'libra-faster-rcnn_r50_fpn_1x_coco.py',
    'mmdet/nas_fpn': 'retinanet_r50_nasfpn_crop640-50e_coco.py',
    # a base of the shortest is missing
    'mmdet/sort': 'sort_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval.py',
}
"""Configs that have what a family is named after, where the one with the shortest name has not."""


@dataclass(frozen=True)
class Family:
    """A folder of a codebase's configs.

    Attributes:
        name: Codebase and folder.
        config: File of one of its configs with a ResNet-50.
    """

    name: str
    config: Path

    @property
    def codebase(self) -> str:
        return self.name.partition('/')[0]

    @property
    def path(self) -> str:
        """The config, as a user names it after ``'mmdet::'``."""
        return self.config.relative_to(_configs(self.codebase)).as_posix()


@dataclass(frozen=True)
class Limit:
    """Why a family does not run here.

    Attributes:
        reason: As the table says it.
        error: What shows it: a part of the error's message, or the file that raised it.
    """

    reason: str
    error: str


LARGER = 'deformable convolutions need maps of 3x3, larger images than 128x128'
SMALLER = 'input image is smaller than kernel'
NO_CPU = 'implementation for device cpu not found'
LIMITS = {
    'mmdet/carafe': Limit('CARAFE has no CPU form', NO_CPU),
    'mmdet/dcn': Limit('deformable RoI pooling has no CPU form', NO_CPU),
    'mmdet/dcnv2': Limit('deformable RoI pooling has no CPU form', NO_CPU),
    'mmdet/ddod': Limit(LARGER, SMALLER),
    'mmdet/grounding_dino': Limit('needs transformers, and downloads BERT', 'transformers'),
    'mmdet/guided_anchoring': Limit('masked convolutions have no CPU form', 'masked_conv.py'),
    'mmdet/nas_fcos': Limit(
        'PyTorch refuses batch norms with eps=0, as in its ResNet', 'eps must be positive'
    ),
    'mmdet/queryinst': Limit(
        'trains; untrained, it predicts boxes beyond the image, whose masks mmdet cannot paste',
        'inconsistent with step sign',
    ),
    'mmpose/body_2d_keypoint/edpose': Limit(
        'its config inherits from a file that mmpose does not install',
        'configs/_base_/default_runtime.py not found',
    ),
}
PASSED = 'passed'


@cache
def families() -> list[Family]:
    """Returns all folders with a config whose name says ResNet-50, in alphabetical order. mmpose
    has folders of tasks, and in them those of the methods."""
    found: dict[str, list[Path]] = {}
    for codebase in CODEBASES:
        root = _configs(codebase)
        for path in root.rglob('*.py'):
            folders = path.relative_to(root).parts[:-1]
            if '_base_' not in folders and NAMES_R50.search(path.stem):
                name = '/'.join([codebase, *folders[: 2 if codebase == 'mmpose' else 1]])
                found.setdefault(name, []).append(path)
    return [Family(name, _choose(name, paths)) for name, paths in sorted(found.items())]


def _configs(codebase: str) -> Path:
    return Path(importlib.util.find_spec(codebase).origin).parent / '.mim' / 'configs'


def _choose(name: str, paths: list[Path]) -> Path:
    if name in CHOSEN:
        return next(path for path in paths if path.name == CHOSEN[name])
    return min(paths, key=lambda path: (len(path.name), path.name))


def outcome(family: Family, backbone: str) -> str:
    """Returns 'passed' or why a family does not run with a backbone.

    Raises:
        Exception: An error without a known reason.
    """
    try:
        try_backbone(family, backbone)
    except InputError as error:
        return str(error).partition(': ')[0]
    except Exception as error:
        limit = LIMITS.get(family.name)
        file = traceback.extract_tb(error.__traceback__)[-1].filename
        if limit and limit.error in f'{file} {error}':
            return limit.reason
        raise
    return PASSED


def try_backbone(family: Family, backbone: str) -> None:
    """Runs a training step and a prediction of a family with another backbone.

    Raises:
        AssertionError: If a parameter of the backbone has no finite gradient.
        Exception: Whatever the codebase raises.
    """
    torch.manual_seed(0)
    np.random.seed(0)
    cfg = Config.fromfile(family.config)
    cfg.merge_from_dict(dict(model=replace_backbone(cfg, BACKBONES[backbone])))
    _prepare(cfg.model)
    scope = cfg.get('default_scope', family.codebase)
    with (
        DefaultScope.overwrite_default_scope(scope),
        MODELS.switch_scope_and_registry(scope) as registry,
    ):
        train, test = head_samples.BATCHES[family.codebase](cfg)
        model = registry.build(cfg.model)
        model.init_weights()
        # the detector of a tracker whose parts are trained apart
        _train(model.detector if cfg.model.type == 'DeepSORT' else model, copy.deepcopy(train))
        model.eval()
        with torch.no_grad():
            assert model.test_step(test)


def _train(model: nn.Module, batch: dict) -> None:
    """Runs a training step without an update, and checks the gradients of the backbone."""
    model.train()
    # as a runner would; some losses grow in the first iterations
    MessageHub.get_current_instance().update_info_dict(dict(iter=1, epoch=0))
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    while not hasattr(model, 'backbone'):
        model = model.student if hasattr(model, 'student') else model.detector
    missing = [
        name
        for name, p in model.backbone.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all()
    ]
    assert not missing, f'no finite gradient: {missing}'


def _prepare(model: ConfigDict) -> None:
    """Leaves out what a step in one process does not need: norms over several processes,
    downloaded weights, and most of the regions."""
    for part in walk(model):
        if part.get('type') in ('SyncBN', 'MMSyncBN'):
            part.type = 'BN'
        if any(type_name(init) == 'Pretrained' for init in iter_dicts(part.get('init_cfg'))):
            part.init_cfg = None
        # padding to 1024x1024, and layers that fairscale recomputes
        for name, without in dict(teacher_ckpt=None, batch_augments=None, num_cp=0).items():
            if name in part:
                part[name] = without
        if isinstance(part.get('teacher_config'), str):
            configs = _configs('mmdet')
            part.teacher_config = str(configs / part.teacher_config.removeprefix('configs/'))
        for name, most in dict(nms_pre=200, max_per_img=100).items():
            if isinstance(part.get(name), int):
                part[name] = min(part[name], most)
        if isinstance(part.get('num'), int) and 'Sampler' in type_name(part):
            part.num = 32
