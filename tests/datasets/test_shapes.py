import json

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS, DefaultScope
from pycocotools.coco import COCO

from vitae_mm.datasets.shapes import CLASSES, CORNERS, HEIGHT, MIN_VISIBLE, WIDTH, draw_scene
from vitae_mm.datasets.shapes_writer import semantic_mask, write_shapes
from vitae_mm.errors import InputError

SIZES = dict(train=6, val=3)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp('data') / 'shapes'
    write_shapes(out, SIZES)
    return out


def read(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_files(folder, tmp_path):
    write_shapes(tmp_path / 'again', SIZES)
    write_shapes(tmp_path / 'other', SIZES, seed=1)
    assert read(folder) == read(tmp_path / 'again')
    assert read(folder) != read(tmp_path / 'other')


def test_more_scenes_begin_with_the_same_ones(folder, tmp_path):
    write_shapes(tmp_path / 'more', dict(train=8, val=3))
    more = read(tmp_path / 'more')
    assert all(
        more[name] == content for name, content in read(folder).items() if name.suffix != '.json'
    )


def test_scenes_vary_as_documented():
    scenes = [draw_scene(seed) for seed in range(60)]
    shapes = [shape for scene in scenes for shape in scene.shapes]
    assert {shape.label for shape in shapes} == set(CLASSES)
    for scene in scenes:
        assert scene.image.shape == (HEIGHT, WIDTH, 3) and scene.image.dtype == np.uint8
        assert sum(shape.mask.astype(int) for shape in scene.shapes).max() <= 1
    areas = [shape.mask.sum() for shape in shapes]
    assert min(areas) < 800 < 3000 < max(areas)
    visibility = [v for shape in shapes for _, _, v in shape.keypoints]
    assert {0, 1, 2} <= set(visibility)  # outside, covered, visible
    assert sum(v == 1 for v in visibility) < 0.3 * len(visibility)


def test_corners_start_at_the_top_and_go_clockwise():
    for seed in range(30):
        for shape in draw_scene(seed).shapes:
            assert len(shape.corners) == CORNERS[shape.label]
            assert shape.corners[:, 1].argmin() == 0
            (x1, y1), (x2, y2) = np.diff(shape.corners[:3], axis=0)
            assert x1 * y2 - y1 * x2 > 0  # y points down
            assert len(shape.keypoints) == max(CORNERS.values())


def test_all_formats_describe_the_same_scene(folder):
    for split, size in SIZES.items():
        instances = COCO(folder / f'annotations/instances_{split}.json')
        keypoints = COCO(folder / f'annotations/keypoints_{split}.json')
        assert len(instances.imgs) == size
        assert list(instances.anns) == list(range(1, len(instances.anns) + 1))
        for image_id, entry in instances.imgs.items():
            image = cv2.imread(str(folder / 'images' / split / entry['file_name']))
            assert image.shape == (entry['height'], entry['width'], 3)
            mask = cv2.imread(
                str(folder / 'masks' / split / f'{image_id:06d}.png'), cv2.IMREAD_UNCHANGED
            )
            drawn = np.zeros_like(mask)
            for annotation in instances.imgToAnns[image_id]:
                drawn[instances.annToMask(annotation) > 0] = annotation['category_id']
                twin = keypoints.anns[annotation['id']]
                assert twin['bbox'] == annotation['bbox']
                assert len(twin['keypoints']) == 15
                label = CLASSES[annotation['category_id'] - 1]
                crop = f'{image_id:06d}_{annotation["id"]}.jpg'
                assert (folder / 'classes' / split / label / crop).is_file()
            assert np.array_equal(mask, drawn)
        crops = list((folder / 'classes' / split).glob('*/*.jpg'))
        assert len(crops) == len(instances.anns)


@pytest.mark.parametrize(
    'scope, dataset',
    [
        (
            'mmdet',
            dict(
                type='CocoDataset',
                ann_file='annotations/instances_train.json',
                data_prefix=dict(img='images/train'),
                metainfo=dict(classes=CLASSES),
            ),
        ),
        (
            'mmseg',
            dict(
                type='BaseSegDataset',
                data_prefix=dict(img_path='images/train', seg_map_path='masks/train'),
                img_suffix='.jpg',
                metainfo=dict(classes=('ground', *CLASSES)),
            ),
        ),
        ('mmpretrain', dict(type='CustomDataset', data_prefix='classes/train')),
        (
            'mmpose',
            dict(
                type='BaseCocoStyleDataset',
                data_mode='topdown',
                ann_file='annotations/keypoints_train.json',
                data_prefix=dict(img='images/train'),
                metainfo=dict(
                    dataset_name='shapes',
                    skeleton_info={},
                    keypoint_info={
                        i: dict(name=f'corner{i + 1}', id=i, color=[0] * 3, type='', swap='')
                        for i in range(5)
                    },
                    joint_weights=[1.0] * 5,
                    sigmas=[0.05] * 5,
                ),
            ),
        ),
    ],
)
def test_every_codebase_reads_the_data(folder, scope, dataset):
    with (
        DefaultScope.overwrite_default_scope(scope),
        DATASETS.switch_scope_and_registry(scope) as registry,
    ):
        built = registry.build({**dataset, 'data_root': str(folder), 'pipeline': []})
    instances = json.loads((folder / 'annotations/instances_train.json').read_text())
    shapes = len(instances['annotations'])
    assert len(built) == (shapes if scope in ('mmpretrain', 'mmpose') else SIZES['train'])


def test_nothing_is_overwritten(folder, tmp_path):
    before = read(folder)
    assert not write_shapes(folder, SIZES)
    for sizes, seed in ((dict(train=6, val=2), 0), (SIZES, 1)):
        with pytest.raises(InputError, match='exists, but not with these scenes'):
            write_shapes(folder, sizes, seed)
    assert read(folder) == before
    with pytest.raises(InputError, match='exists, but not with these scenes'):
        write_shapes(tmp_path, SIZES)


def test_the_label_map_of_an_empty_scene_is_zero():
    scene = draw_scene(0)
    assert semantic_mask(type(scene)(scene.image, ())).sum() == 0


def test_no_shape_is_mostly_hidden():
    for seed in range(60):
        scene = draw_scene(seed)
        assert 1 <= len(scene.shapes) <= 6
        for shape in scene.shapes:
            alone = cv2.fillConvexPoly(
                np.zeros((HEIGHT, WIDTH), np.uint8), shape.corners.round().astype(np.int32), 1
            )
            if shape.label in ('triangle', 'square'):
                assert shape.mask.sum() >= MIN_VISIBLE * alone.sum()
            assert shape.mask.any()
