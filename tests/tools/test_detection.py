"""The demo detector, a few steps of it, from data to pictures."""
import json

import pytest

from helpers.commands import complaint, run
from vitae_mm.datasets.shapes_writer import write_shapes

pytestmark = pytest.mark.slow

CONFIG = 'configs/det/mask_rcnn_vitaev2_demo_8e_shapes.py'


@pytest.fixture(scope='module')
def options(tmp_path_factory):
    """--cfg-options for a small copy of the data."""
    data = tmp_path_factory.mktemp('det') / 'shapes'
    write_shapes(data, dict(train=8, val=4))
    settings = {f'{split}_dataloader.dataset.data_root': data for split in ('train', 'val', 'test')}
    settings |= {f'{split}_evaluator.ann_file': data / 'annotations/instances_val.json'
                 for split in ('val', 'test')}
    settings |= {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1}
    return ['--cfg-options', *(f'{key}={value}' for key, value in settings.items())]


def test_train_test_and_draw_on_two_processes(options, tmp_path):
    work_dir, pictures = tmp_path / 'w', tmp_path / 'pictures'
    done = run('bash', 'tools/dist_train.sh', CONFIG, 2, '--work-dir', work_dir, *options)
    assert done.returncode == 0, done.stderr
    assert 'coco/segm_mAP_50' in done.stdout
    checkpoint = work_dir / 'epoch_1.pth'
    done = run('bash', 'tools/dist_test.sh', CONFIG, checkpoint, 2, '--work-dir', work_dir,
               '--show-dir', pictures, *options)
    assert done.returncode == 0, done.stderr
    assert 'coco/segm_mAP_50' in done.stdout
    # the first of two processes draws its half of four images
    assert len(list(pictures.glob('*.jpg'))) == 2


def test_a_checkpoint_of_another_backbone_is_not_tested(options, tmp_path):
    import torch
    torch.save(dict(state_dict={'backbone.conv1.weight': torch.ones(1)}), tmp_path / 'r50.pth')
    message = complaint(run('python', 'tools/test.py', CONFIG, tmp_path / 'r50.pth', '--work-dir',
                            tmp_path / 'w', *options))
    assert 'does not fit MaskRCNN: 0 of' in message and 'backbone.conv1.weight' in message


def test_a_truncated_checkpoint_is_not_tested(options, tmp_path):
    (tmp_path / 'a.pth').write_bytes(b'PK\x03\x04 cut')
    message = complaint(run('python', 'tools/test.py', CONFIG, tmp_path / 'a.pth', '--work-dir',
                            tmp_path / 'w', *options))
    assert 'a.pth is truncated' in message


def test_annotations_of_other_classes_stop_the_run(options, tmp_path):
    data = tmp_path / 'shapes'
    write_shapes(data, dict(train=1, val=1))
    path = data / 'annotations/instances_train.json'
    content = json.loads(path.read_text())
    content['categories'] = [dict(id=1, name='circle')]
    path.write_text(json.dumps(content))
    message = complaint(run(
        'bash', 'tools/dist_train.sh', CONFIG, 2, '--work-dir', tmp_path / 'w', '--cfg-options',
        f'train_dataloader.dataset.data_root={data}', f'val_dataloader.dataset.data_root={data}'))
    assert "['circle']" in message and message.count('error') == 1
    assert not (tmp_path / 'w').exists()
