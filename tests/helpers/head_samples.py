"""Samples with annotations for a training step of any model of mmdet, mmseg and mmpose."""

import copy

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import TRANSFORMS
from mmengine.structures import PixelData

from vitae_mm.engine.backbone_swap import walk

SIZE = 128


def detection_batches(cfg: Config) -> tuple[dict, dict]:
    """Batches for a step in training and in testing."""
    from mmdet import testing

    kind, classes = cfg.model.type, _count_classes(cfg)
    # queries are chosen from the positions of all maps
    size = 2 * SIZE if 'num_queries' in cfg.model else SIZE
    shapes = [(3, size, size)] * 2
    batch = testing.demo_mm_inputs(2, shapes, num_items=[4, 4], with_mask=True, with_semantic=True)
    for sample, proposals in zip(
        batch['data_samples'], testing.demo_mm_proposals(shapes, 20), strict=True
    ):
        if 'rpn_head' not in cfg.model:
            sample.proposals = proposals
        sample.gt_instances.labels %= classes
    if kind in ('QDTrack', 'MaskTrackRCNN', 'Mask2FormerVideo', 'DeepSORT'):
        frames = testing.demo_track_inputs(
            num_frames=2,
            key_frames_inds=[0],
            image_shapes=shapes[:1],
            num_items=[4],
            with_mask=True,
        )
        if kind != 'DeepSORT':
            return frames, frames
        # its detector, which is trained, prepares no images
        batch['inputs'] = torch.stack(batch['inputs']).float()
        for sample in batch['data_samples']:
            sample.set_metainfo(dict(batch_input_shape=(size, size), pad_shape=(size, size)))
        return batch, frames
    if kind == 'SoftTeacher':
        for sample in batch['data_samples']:
            sample.set_metainfo(dict(homography_matrix=np.eye(3, dtype=np.float32)))
        branches = ('sup', 'unsup_teacher', 'unsup_student')
        multiple = {
            key: {branch: copy.deepcopy(value) for branch in branches}
            for key, value in batch.items()
        }
        return multiple, batch
    if kind == 'BaseReID':
        persons = _reidentification_batch()
        return persons, persons
    return batch, batch


def _reidentification_batch() -> dict:
    """Two images of each of two persons."""
    from mmdet.structures import ReIDDataSample

    return dict(
        inputs=[torch.randint(256, (3, 256, 128), dtype=torch.uint8) for _ in range(4)],
        data_samples=[ReIDDataSample().set_gt_label(label) for label in (0, 0, 1, 1)],
    )


def segmentation_batches(cfg: Config) -> tuple[dict, dict]:
    from mmseg.structures import SegDataSample

    classes = _count_classes(cfg)
    size = (SIZE, SIZE)
    cfg.model.data_preprocessor.size = size
    samples = []
    for _ in range(2):
        sample = SegDataSample(
            metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size, scale_factor=(1.0, 1.0))
        )
        # few classes, in blocks
        labels = torch.randint(min(classes, 8), (1, 1, 4, 4)).float()
        labels = torch.nn.functional.interpolate(labels, size=size).long()[0]
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    inputs = [torch.randint(256, (3, *size), dtype=torch.uint8) for _ in samples]
    batch = dict(inputs=inputs, data_samples=samples)
    return batch, batch


def _count_classes(cfg: Config) -> int:
    """The fewest classes of a head."""
    return min((part.num_classes for part in walk(cfg.model) if 'num_classes' in part), default=1)


def pose_batches(cfg: Config) -> tuple[dict, dict]:
    # the test pipeline packs other annotations than the training pipeline
    pipelines = (cfg.train_pipeline[-2:], cfg.val_pipeline[-1:])
    return tuple(
        pseudo_collate([_pose_sample(cfg, pipeline) for _ in range(2)]) for pipeline in pipelines
    )


def _pose_sample(cfg: Config, pipeline: list[dict]) -> dict:
    """Prepares random keypoints with the last transforms of a pipeline."""
    head = cfg.model.head
    if head.type == 'InternetHead':
        (width, height), count, dims = cfg.codec.image_size, 42, 3
    else:
        (width, height), dims = cfg.codec.input_size, 2
        count = head.get('num_joints', head.get('out_channels'))
    keypoints = np.random.rand(1, count, dims).astype(np.float32) * (width, height, 1)[:dims]
    box = np.array([[0, 0, width, height]], np.float32)
    results = dict(
        img=np.random.randint(0, 255, (height, width, 3), dtype=np.uint8),
        img_id=0,
        img_path='',
        ori_shape=(height, width),
        img_shape=(height, width),
        input_size=(width, height),
        input_center=np.array([width / 2, height / 2], np.float32),
        input_scale=np.array([width, height], np.float32),
        flip_indices=list(range(count)),
        bbox=box,
        bbox_center=box[:, 2:] / 2,
        bbox_scale=box[:, 2:],
        bbox_score=np.ones(1, np.float32),
        keypoints=keypoints,
        transformed_keypoints=keypoints,
        keypoints_visible=np.ones((1, count), np.float32),
        dataset_keypoint_weights=np.ones(count, np.float32),
        # of both hands, in three dimensions
        rel_root_depth=np.float32(0),
        rel_root_valid=np.float32(1),
        abs_depth=np.ones(2, np.float32),
        hand_type=np.ones((1, 2), np.float32),
        hand_type_valid=np.ones(1, np.float32),
        focal=np.ones(2, np.float32),
        principal_pt=np.zeros(2, np.float32),
    )
    for transform in pipeline:
        results = TRANSFORMS.build(transform)(results)
    return results


BATCHES = dict(mmdet=detection_batches, mmseg=segmentation_batches, mmpose=pose_batches)
