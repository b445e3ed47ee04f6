"""What tools/train.py --dry-run finds in data and settings that are valid one by one."""

import copy
import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import ExifTags, Image
from pycocotools import mask

from vitae_mm.errors import InputError

from ..helpers import training


@pytest.fixture
def root(data, tmp_path):
    """A copy of the demo data that a test may change."""
    return Path(shutil.copytree(data, tmp_path / 'shapes'))


@pytest.fixture
def rehearse(root, tmp_path, run_tool, monkeypatch):
    """Lets a test edit the config of a codebase and returns the output of a dry run."""
    monkeypatch.setenv('COLUMNS', '400')

    def rehearse_here(scope, edit=lambda cfg: None, *options):
        path = training.WRITERS[scope](tmp_path / 'c.py', root)
        cfg = Config.fromfile(path)
        add_validation(cfg)
        edit(cfg)
        cfg.dump(path)
        return run_tool('tools/train.py', path, '--dry-run', '--work-dir', tmp_path / 'w', *options)

    return rehearse_here


@pytest.fixture
def refuse(rehearse):
    """The error message of a dry run."""

    def refuse_here(scope, edit=lambda cfg: None):
        with pytest.raises(InputError) as error:
            rehearse(scope, edit)
        return str(error.value)

    return refuse_here


def add_validation(cfg):
    """Validates on the validation split; the writers test on the training data."""
    cfg.val_cfg = {}
    cfg.val_dataloader = on_split(cfg.test_dataloader, 'val')
    cfg.val_evaluator = on_split(cfg.test_evaluator, 'val')
    cfg.test_dataloader, cfg.test_evaluator = cfg.val_dataloader, cfg.val_evaluator


def on_split(node, split):
    """A config entry with the paths of another split."""
    if isinstance(node, dict):
        return {key: on_split(value, split) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(on_split(value, split) for value in node)
    if isinstance(node, str) and node.rpartition('.')[0].endswith('_train'):
        return node.replace('_train.', f'_{split}.')
    return node.replace('/train', f'/{split}') if isinstance(node, str) else node


def edit_json(root, kind, split, edit):
    path = root / 'annotations' / f'{kind}_{split}.json'
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def edit_maps(root, edit):
    for path in (root / 'masks').rglob('*.png'):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert cv2.imwrite(str(path), edit(labels).astype(np.uint8))


def with_masks(cfg):
    """Loads and evaluates masks."""
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.pipeline[1].with_mask = True
    cfg.val_evaluator.metric = ['bbox', 'segm']


@pytest.mark.parametrize('scope', training.WRITERS)
def test_perfect_predictions_score_perfectly_on_the_demo_data(rehearse, scope):
    def score_keypoints(cfg):
        if scope == 'mmpose':
            root = cfg.train_dataloader.dataset.data_root
            coco = dict(type='CocoMetric', ann_file=f'{root}/annotations/keypoints_val.json')
            cfg.val_evaluator = [cfg.val_evaluator, dict(type='EPE'), coco]

    printed = rehearse(scope, score_keypoints)
    for score in dict(
        mmpretrain=['accuracy/top1 100'],
        mmdet=['coco/bbox_mAP 1 '],
        mmseg=['aAcc 100', 'mIoU 100'],
        mmpose=['PCK 1,', 'EPE 0,', 'coco/AP 1 '],
    )[scope]:
        assert score in printed
    # so few scenes lack some shapes
    assert all(': no ' in line for line in printed.splitlines() if 'remark' in line)


def test_masked_pretraining_is_rehearsed(root, tmp_path, run_tool):
    config = training.write_pretraining(tmp_path / 'c.py', root)
    # weights on the web are read when training starts
    options = ('type=Pretrained', 'checkpoint=https://none/a.pth')
    printed = run_tool(
        'tools/train.py', config, '--dry-run', '--work-dir', tmp_path / 'w', '--cfg-options',
        *(f'model.backbone.init_cfg.{option}' for option in options),
    )  # fmt: skip
    assert 'all checks passed' in printed and '4 samples of CustomDataset' in printed


def test_masks_score_perfectly(rehearse):
    assert 'coco/bbox_mAP 1, coco/segm_mAP 1 ' in rehearse('mmdet', with_masks)


def test_two_classes_saved_as_0_and_255_are_refused(root, refuse):
    edit_maps(root, lambda labels: (labels > 0) * 255)
    assert "no class map contains 'shape', label 1 of 2" in refuse('mmseg', two_classes)


def test_reduce_zero_label_on_maps_of_0_and_1_is_refused(root, refuse):
    edit_maps(root, lambda labels: labels > 0)

    def reduce(cfg):
        two_classes(cfg)
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            loader.dataset.reduce_zero_label = True

    message = refuse('mmseg', reduce)
    assert "no class map contains 'shape'" in message and 'reduce_zero_label=True' in message


def test_the_last_of_many_classes_saved_as_255_is_refused(root, refuse):
    edit_maps(root, lambda labels: np.where(labels == 4, 255, labels))
    assert 'label 4 of 5' in refuse('mmseg')


def test_absent_classes_are_named_and_accepted(root, rehearse):
    edit_maps(root, lambda labels: np.where(labels > 2, 0, labels))
    assert 'train: no pixel of' in rehearse('mmseg')


def test_crowds_alone_are_refused(root, refuse):
    def crowd(content):
        for entry in content['annotations']:
            entry['iscrowd'] = 1

    edit_json(root, 'instances', 'val', crowd)
    message = refuse('mmdet')
    assert 'not at all' in message and 'are crowds (iscrowd=1)' in message
    edit_json(root, 'instances', 'train', crowd)
    assert 'no instance can be used, as' in refuse('mmdet')


def test_one_crowd_is_counted(root, rehearse):
    edit_json(root, 'instances', 'train', lambda c: c['annotations'][0].update(iscrowd=1))
    assert '1 crowd (ignored)' in rehearse('mmdet')


def test_annotations_that_are_scored_but_not_read_are_refused(root, refuse):
    edit_json(root, 'instances', 'val', lambda c: c['annotations'][0].update(area=0))
    message = refuse('mmdet')
    assert 'annotations, of which the dataset gives' in message


def test_annotations_that_are_not_read_are_counted(root, rehearse):
    boxes = [[-30, 5, 20, 20], [5, 400, 20, 20], [5, 5, 0, 20], [5, 5, 20, 0.5]]

    def edit(content):
        content['images'].append(dict(content['images'][0], id=99))
        content['categories'].append(dict(id=9, name='circle'))
        content['annotations'][0]['category_id'] = 9
        for annotation, box in zip(content['annotations'][1:], boxes, strict=False):
            annotation['bbox'] = box

    edit_json(root, 'instances', 'train', edit)
    printed = rehearse('mmdet')
    for text in (
        '1 of other classes (skipped)',
        '4 outside the image, too small or of skipped images (skipped)',
        '1 images without annotations',
        '1 images listed twice',
    ):
        assert text in printed


def test_keypoints_that_are_not_read_are_counted(root, rehearse):
    def edit(content):
        content['annotations'][0]['iscrowd'] = 1
        content['annotations'][1].update(num_keypoints=0)
        content['annotations'][2]['bbox'] = [900, 5, 20, 20]

    edit_json(root, 'keypoints', 'train', edit)
    printed = rehearse('mmpose')
    assert '1 crowd (skipped)' in printed
    assert '2 without keypoints or outside the image (skipped)' in printed


@pytest.mark.parametrize('scope, kind', [('mmdet', 'instances'), ('mmpose', 'keypoints')])
def test_a_test_set_without_annotations_is_accepted(root, rehearse, scope, kind):
    path = root / 'annotations' / f'{kind}_val.json'
    content = json.loads(path.read_text())
    del content['annotations']
    bare, boxes = root / 'annotations' / 'test.json', root / 'annotations' / 'boxes.json'
    bare.write_text(json.dumps(content))
    found = dict(image_id=content['images'][0]['id'], bbox=[9, 9, 50, 50], score=0.9, category_id=1)
    boxes.write_text(json.dumps([found]))

    def test_only(cfg):
        cfg.test_dataloader = copy.deepcopy(cfg.test_dataloader)
        cfg.test_dataloader.dataset.update(ann_file='annotations/test.json', test_mode=True)
        if scope == 'mmpose':
            cfg.test_dataloader.dataset.bbox_file = str(boxes)
        cfg.test_evaluator = dict(
            type='CocoMetric',
            ann_file=str(bare),
            format_only=True,
            outfile_prefix=str(root / 'out'),
        )

    printed = rehearse(scope, test_only)
    assert 'test data' in printed and 'the test set is not rehearsed' not in printed
    assert not list(root.glob('out*'))


@pytest.mark.parametrize(
    'split, edit, words',
    [
        ('val', lambda c: c['categories'].reverse(), 'the order of the categories'),
        ('train', lambda c: c['categories'].insert(0, dict(id=0, name='star')), "'star'"),
        ('val', lambda c: c['annotations'][0].update(id=0), 'never count'),
        ('val', lambda c: c['annotations'][1].update(id=1), '2 entries have the id 1'),
        ('val', lambda c: c['annotations'][0].update(segmentation=[[]]), 'polygon of 0'),
        ('val', lambda c: c['annotations'][0].update(segmentation=[[1, 1, 9, 9]]), 'polygon of 4'),
        ('val', lambda c: c['annotations'][0].update(segmentation=[1, 1, 9, 1, 9, 9]), 'polygons'),
        (
            'train',
            lambda c: c['annotations'][0].update(segmentation=[[1, 1, 9, None, 9, 9]]),
            'not numbers',
        ),
        (
            'val',
            lambda c: c['annotations'][0].update(segmentation=dict(size=[9, 9], counts=[0, 81])),
            'of size [9, 9]',
        ),
    ],
)
def test_annotations_that_mean_something_else_are_refused(root, refuse, split, edit, words):
    edit_json(root, 'instances', split, edit)
    assert words in refuse('mmdet', with_masks)


def test_a_hidden_folder_beside_class_folders_is_refused(root, refuse):
    (root / 'classes' / 'train' / '.ipynb_checkpoints').mkdir()
    assert '.ipynb_checkpoints' in refuse('mmpretrain')


def test_labels_beyond_the_classes_are_refused(root, refuse):
    edit_maps(root, lambda labels: np.where(labels == 4, 7, labels))
    message = refuse('mmseg')
    assert 'gives label 7, but there are 5 classes' in message and '/masks/train/' in message


def test_the_head_may_ignore_another_label(root, rehearse):
    edit_maps(root, lambda labels: np.where(labels == 0, 200, labels))

    def ignore(cfg):
        cfg.model.decode_head.ignore_index = 200
        cfg.val_evaluator.ignore_index = 200

    assert 'ignored' in rehearse('mmseg', ignore)


def test_maps_of_16_bits_are_refused_if_they_need_them(root, refuse, rehearse):
    path = next((root / 'masks/train').iterdir())
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.uint16)
    cv2.imwrite(str(path), labels)
    rehearse('mmseg')
    labels[0, 0] = 300
    cv2.imwrite(str(path), labels)
    assert 'contains the label 300, but mmseg reads 8 bits' in refuse('mmseg')


def test_two_corners_for_a_box_are_remarked_on(root, rehearse):
    def corners(content):
        for entry in content['annotations']:
            left, top, width, height = entry['bbox']
            entry['bbox'] = [left, top, left + width, top + height]

    edit_json(root, 'instances', 'train', corners)
    assert 'boxes extend beyond their images' in rehearse('mmdet')


def test_images_in_both_sets_are_remarked_on(rehearse):
    def same(cfg):
        cfg.val_dataloader = cfg.train_dataloader

    assert '16 images of the validation data are also in' in rehearse('mmpretrain', same)


def two_classes(cfg):
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.metainfo.classes = ('ground', 'shape')
    cfg.model.decode_head.num_classes = 2


def test_classes_of_validation_in_another_order_are_refused(refuse):
    def reverse(cfg):
        cfg.val_dataloader = copy.deepcopy(cfg.val_dataloader)
        metainfo = cfg.val_dataloader.dataset.metainfo
        metainfo.classes = tuple(reversed(metainfo.classes))

    message = refuse('mmseg', reverse)
    assert 'classes are numbered in another order' in message and 'mIoU 20' in message


def test_the_annotations_of_another_split_are_refused(refuse, root):
    def train(cfg):
        cfg.val_evaluator.ann_file = str(root / 'annotations/instances_train.json')

    assert 'ann_file' in refuse('mmdet', train)

    def train_keypoints(cfg):
        cfg.val_evaluator = dict(
            type='CocoMetric', ann_file=str(root / 'annotations/keypoints_train.json')
        )

    assert 'ann_file' in refuse('mmpose', train_keypoints)


def test_more_guesses_than_classes_are_refused(refuse):
    def top5(cfg):
        cfg.val_evaluator.topk = (1, 5)

    message = refuse('mmpretrain', top5)
    assert 'Accuracy' in message and 'fails on perfect predictions' in message


def test_a_last_batch_of_one_image_with_batch_norm_is_refused(refuse, rehearse):
    def pool(cfg):
        cfg.train_dataloader.dataset.indices = 3
        cfg.model.decode_head = dict(
            type='PSPHead',
            in_channels=16,
            channels=8,
            pool_scales=(1, 2),
            num_classes=5,
            norm_cfg=dict(type='BN'),
        )

    message = refuse('mmseg', pool)
    assert 'a training step with 1 samples, the last batch of an epoch,' in message
    assert 'Expected more than 1 value per channel' in message

    def drop(cfg):
        pool(cfg)
        cfg.train_dataloader.drop_last = True

    rehearse('mmseg', drop)


def test_a_warm_up_longer_than_the_run_is_remarked_on(rehearse):
    def warm_up(cfg):
        cfg.param_scheduler = [dict(type='LinearLR', start_factor=0.001, by_epoch=False, end=1000)]

    printed = rehearse('mmpretrain', warm_up)
    assert 'the warm-up takes 1,000 steps, but the run has 16' in printed


def test_a_rate_that_rises_at_the_end_is_remarked_on(rehearse):
    def short_cosine(cfg):
        cfg.train_cfg.max_epochs = 4
        cfg.param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=2)

    assert 'rises again to' in rehearse('mmpretrain', short_cosine)


def test_an_unknown_key_of_the_best_checkpoint_is_refused(refuse, rehearse):
    def best(cfg, key):
        cfg.default_hooks.checkpoint.save_best = key

    message = refuse('mmpretrain', lambda cfg: best(cfg, 'accuracy/top2'))
    assert 'save_best' in message and 'accuracy/top2' in message
    rehearse('mmpretrain', lambda cfg: best(cfg, 'accuracy/top1'))


def test_metrics_of_users_are_not_judged(rehearse):
    def own(cfg):
        cfg.custom_imports.imports.append('tests.helpers.own_metric')
        cfg.val_evaluator = dict(type='OwnMetric')

    assert 'OwnMetric was not tried with perfect predictions' in rehearse('mmpretrain', own)


def test_nothing_is_rehearsed_if_not_asked_for(rehearse):
    def fail(cfg):
        cfg.val_evaluator.topk = (1, 5)

    assert 'perfect predictions' not in rehearse('mmpretrain', fail, '--no-rehearsal')


def test_a_config_of_the_old_generation_is_refused(run_tool, tmp_path):
    path = tmp_path / 'mask_rcnn_vitaev2_s_fpn_3x_coco.py'
    path.write_text(
        "_base_ = ['../_base_/models/mask_rcnn_r50_fpn.py']\n"
        "optimizer = dict(type='AdamW', lr=1e-4)\n"
        'lr_config = dict(step=[27, 33])\n'
    )
    with pytest.raises(InputError, match=r'migration\.md, or use configs/det/mask_rcnn_vitaev2_s'):
        run_tool('tools/train.py', path, '--dry-run')


def turn(root, split='train'):
    """Sets the EXIF orientation of all images of a split to a quarter turn."""
    for path in (root / 'images' / split).iterdir():
        with Image.open(path) as image:
            exif = image.getexif()
            exif[ExifTags.Base.Orientation] = 6
            image.save(path, exif=exif)


@pytest.mark.parametrize('scope', ['mmdet', 'mmpose', 'mmseg'])
def test_images_turned_by_exif_are_refused(root, refuse, rehearse, scope):
    turn(root)
    message = refuse(scope)
    assert '192 x 256' in message and '256 x 192' in message
    assert 'turned by its EXIF' in message and 'images/train/' in message

    def as_stored(cfg):
        cfg.train_dataloader.dataset.pipeline[0].color_type = 'color_ignore_orientation'

    rehearse(scope, as_stored)


def test_rle_masks_of_images_turned_by_exif_are_refused(root, refuse):
    def encode(content):
        for annotation in content['annotations']:
            if isinstance(annotation['segmentation'], list):
                rle = mask.merge(mask.frPyObjects(annotation['segmentation'], 192, 256))
                annotation['segmentation'] = dict(rle, counts=rle['counts'].decode())

    edit_json(root, 'instances', 'train', encode)
    turn(root)
    assert 'turned by its EXIF' in refuse('mmdet', with_masks)


@pytest.mark.parametrize('split', ['train', 'val'])
def test_images_of_another_size_than_annotated_are_refused(root, refuse, split):
    for path in (root / 'images' / split).iterdir():
        Image.new('RGB', (128, 96)).save(path)
    message = refuse('mmdet')
    assert '128 x 96' in message and f'images/{split}/' in message and 'EXIF' not in message


def test_transposed_class_maps_are_refused(root, refuse):
    edit_maps(root, np.transpose)
    message = refuse('mmseg')
    assert '192 x 256' in message and 'it looks transposed' in message


def test_class_maps_of_another_size_are_refused(root, refuse):
    edit_maps(root, lambda labels: labels[::2, ::2])
    message = refuse('mmseg')
    assert '128 x 96' in message and 'images/train/' in message and 'masks/train/' in message


def test_a_label_that_heads_do_not_ignore_is_refused(root, refuse, rehearse):
    def border(labels):
        labels[:2] = 255
        return labels

    def ignore_5(cfg):
        cfg.model.decode_head.ignore_index = 5

    edit_maps(root, border)
    message = refuse('mmseg', ignore_5)
    assert '255' in message and 'ignore_index' in message and '[5]' in message
    rehearse('mmseg')


def test_padding_that_heads_do_not_ignore_is_refused(refuse, rehearse):
    def pad(cfg, label):
        cfg.model.decode_head.ignore_index = 5
        step = dict(type='Pad', size=(256, 200), pad_val=dict(img=0, seg=label))
        cfg.train_dataloader.dataset.pipeline.insert(2, step)
        cfg.model.data_preprocessor.size = (200, 256)

    message = refuse('mmseg', lambda cfg: pad(cfg, 255))
    assert 'fills the class map with label 255' in message and 'seg_pad_val' in message
    rehearse('mmseg', lambda cfg: pad(cfg, 5))

    def fill_batches(cfg):
        cfg.model.decode_head.ignore_index = 5
        cfg.model.data_preprocessor.size = (200, 256)

    assert 'data_preprocessor fills class maps with label 255' in refuse('mmseg', fill_batches)


@pytest.mark.parametrize('scope', training.WRITERS)
def test_transforms_of_users_are_reported_with_their_line(refuse, scope):
    def own(cfg):
        cfg.custom_imports.imports.append('tests.helpers.own_transform')
        nested = dict(type='RandomChoice', transforms=[[dict(type='OwnTransform')]])
        cfg.train_dataloader.dataset.pipeline.insert(1, nested)

    message = refuse(scope, own)
    assert 'the transform OwnTransform fails on' in message and "KeyError: 'missing'" in message
    assert re.search(r'line 10 of \S+helpers/own_transform\.py', message)
