"""Reading a config as the tools do."""

from pathlib import Path

import pytest

from vitae_mm.engine.cli import check_picture
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError


@pytest.mark.parametrize(
    'base, part',
    [
        ('mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py', 'decode_head'),
        ('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', 'roi_head'),
        ('mmpose::_base_/default_runtime.py', None),
    ],
)
def test_bases_of_other_packages_are_found(base, part, tmp_path):
    (tmp_path / 'a.py').write_text(f'_base_ = {base!r}')
    cfg = load_config(str(tmp_path / 'a.py'))
    assert cfg.default_scope == base.split('::')[0]
    assert part is None or part in cfg.model


def test_options_and_work_dir(tmp_path):
    (tmp_path / 'a.py').write_text('x = dict(y=1)')
    cfg = load_config(str(tmp_path / 'a.py'), {'x.y': 2})
    assert cfg.x.y == 2 and cfg.work_dir == 'work_dirs/a'
    assert load_config(str(tmp_path / 'a.py'), work_dir='w').work_dir == 'w'


def test_a_config_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match='no.py does not exist'):
        load_config(str(tmp_path / 'no.py'))


@pytest.mark.parametrize('name', ['curves', 'curves.tmp', 'figures/'])
def test_a_plot_needs_the_name_of_a_picture(name):
    check_picture(Path('curves.PNG'))
    with pytest.raises(InputError, match=f'{Path(name)}: give the name of a picture, .png or'):
        check_picture(Path(name))
