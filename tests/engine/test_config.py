import pytest
from mmengine.config import Config

from vitae_mm.engine.config import (
    drop_annotation_loading,
    find_transforms,
    iter_dicts,
    leaf_datasets,
    load_config,
    loads_image_files,
    strip_test_dataset,
    type_name,
    walk_datasets,
)
from vitae_mm.errors import InputError

A, B = dict(type='A'), dict(type='B')
CONCAT = dict(type='ConcatDataset', datasets=[A, B])
REPEAT = dict(type='RepeatDataset', times=2, dataset=CONCAT)


@pytest.mark.parametrize(
    'base, part',
    [
        ('mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py', 'decode_head'),
        ('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', 'roi_head'),
        ('mmpose::_base_/default_runtime.py', None),
    ],
)
def test_base_configs_of_other_packages_are_found(base, part, tmp_path):
    (tmp_path / 'a.py').write_text(f'_base_ = {base!r}')
    cfg = load_config(str(tmp_path / 'a.py'))
    assert cfg.default_scope == base.split('::')[0]
    assert part is None or part in cfg.model


def test_options_and_work_dir_are_applied(tmp_path):
    (tmp_path / 'a.py').write_text('x = dict(y=1)')
    cfg = load_config(str(tmp_path / 'a.py'), {'x.y': 2})
    assert cfg.x.y == 2 and cfg.work_dir == 'work_dirs/a'
    assert load_config(str(tmp_path / 'a.py'), work_dir='w').work_dir == 'w'


def test_a_missing_config_is_reported(tmp_path):
    with pytest.raises(InputError, match=r'no\.py does not exist'):
        load_config(str(tmp_path / 'no.py'))


@pytest.mark.parametrize(
    'text, message',
    [
        ('a = 1\nb = missing\n', r"c\.py, line 2: NameError: name 'missing' is not defined"),
        ('a = dict(\n', r"c\.py, line 1: '\(' was never closed"),
        ("_base_ = './no.py'", r'no\.py does not exist; correct its _base_'),
        ("_base_ = 'mmdet::no/no.py'", r'no\.py" does not exist; correct its _base_'),
        ("_base_ = './c.py'", 'inherit from each other'),
        ("_base_ = './d.py'\na = dict(b=1)", 'cannot inherit from base'),
        ("_base_ = './d.py'\nb = {{_base_.c}}", 'it refers to c, which does not exist'),
        ("custom_imports = dict(imports=['no_module'])", r"custom modules from .*'no_module'"),
    ],
)
def test_configs_that_cannot_be_loaded_are_reported(text, message, tmp_path):
    (tmp_path / 'd.py').write_text('a = 1')
    (tmp_path / 'c.py').write_text(text)
    with pytest.raises(InputError, match=rf'c\.py cannot be loaded: .*{message}'):
        load_config(str(tmp_path / 'c.py'))


def test_errors_of_base_files_name_the_base_file(tmp_path):
    (tmp_path / 'leaf.py').write_text("_base_ = './base.py'")
    (tmp_path / 'base.py').write_text('a = 1\nb =')
    with pytest.raises(InputError, match=r'leaf\.py cannot be loaded: .*base\.py, line 2'):
        load_config(str(tmp_path / 'leaf.py'))


def test_options_must_fit_the_config(tmp_path):
    (tmp_path / 'c.py').write_text('x = [1]')
    with pytest.raises(InputError, match='does not fit the entries of config'):
        load_config(str(tmp_path / 'c.py'), {'x.7': 2})


@pytest.mark.parametrize(
    'given, used',
    [
        ({}, 'vitae_mm.WholeCheckpointHook'),
        (dict(checkpoint=dict(type='CheckpointHook', interval=3)), 'vitae_mm.WholeCheckpointHook'),
        (dict(checkpoint=dict(type='MyHook')), 'MyHook'),
        (dict(checkpoint=None), None),
    ],
)
def test_configs_of_other_projects_get_our_hooks(given, used, tmp_path):
    (tmp_path / 'c.py').write_text(f'default_hooks = {given!r}' if given else '')
    hooks = load_config(str(tmp_path / 'c.py')).default_hooks
    assert hooks.checkpoint_match.type == 'vitae_mm.CheckpointMatchHook'
    assert hooks.finite_loss.type == 'vitae_mm.FiniteLossHook'
    assert (hooks.checkpoint and hooks.checkpoint.type) == used
    if used == 'vitae_mm.WholeCheckpointHook':
        assert hooks.checkpoint.interval == (3 if given else 1)


def test_datasets_are_found_in_loaders_and_wrappers():
    loaders = [dict(batch_size=2, dataset=REPEAT), dict(dataset=A)]
    assert list(leaf_datasets(loaders)) == [A, B, A]
    assert list(walk_datasets(loaders[0])) == [loaders[0], REPEAT, CONCAT, A, B]
    assert list(leaf_datasets(None)) == []


def test_dicts_are_found_in_nested_lists():
    assert list(iter_dicts([A, (B, [A])])) == [A, B, A]
    assert list(iter_dicts('A')) == []


def test_transforms_are_found_in_other_transforms():
    nested = dict(type='RandomChoice', transforms=[[dict(type='mmdet.Resize', scale=1)], [A]])
    found = find_transforms([A, nested, dict(type='Resize', scale=2)], 'Resize')
    assert [transform['scale'] for transform in found] == [1, 2]


@pytest.mark.parametrize('kind', ['Config', 'mmengine.Config', Config])
def test_a_type_is_named_without_its_scope(kind):
    assert type_name(dict(type=kind)) == 'Config'


def test_the_test_dataset_is_stripped_to_plain_images():
    image, annotations = dict(type='LoadImageFromFile'), dict(type='mmdet.LoadAnnotations')
    dataset = dict(type='A', pipeline=[image, annotations])
    cfg = Config(dict(test_dataloader=dict(dataset=dict(type='RepeatDataset', dataset=dataset))))
    strip_test_dataset(cfg)
    assert cfg.test_dataloader.dataset == dict(type='A', pipeline=[image])
    assert drop_annotation_loading([annotations, image]) == [image]
    assert loads_image_files([image]) and not loads_image_files([annotations])
    with pytest.raises(InputError, match='has no test_dataloader'):
        strip_test_dataset(Config())
