"""The demo configs of all tasks: a few steps of training, testing and drawing."""

import json

import pytest

from vitae_mm.datasets.shapes_writer import write_shapes

from ..helpers.commands import complaint, run

pytestmark = pytest.mark.slow

DETECTOR = 'configs/det/mask_rcnn_vitaev2_demo_4e_shapes.py'
METRICS = {
    DETECTOR: 'coco/segm_mAP_50',
    'configs/seg/upernet_vitaev2_demo_10e_shapes.py': 'mIoU',
    'configs/pose/simple_baseline_vitaev2_demo_3e_shapes.py': 'PCK',
    'configs/cls/vitaev2_demo_4e_shapes.py': 'accuracy/top1',
}
SPLITS = ('train', 'val', 'test')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('demo') / 'shapes'
    write_shapes(folder, dict(train=8, val=4))
    return folder


def on_few_images(config, data):
    """Options for one epoch on a small copy of the data."""
    root = data / 'classes' if '/cls/' in config else data
    settings = {f'{split}_dataloader.dataset.data_root': root for split in SPLITS}
    annotations = {'/det/': ('', 'instances'), '/pose/': ('2.', 'keypoints')}
    for task, (place, kind) in annotations.items():
        if task in config:
            settings |= {
                f'{split}_evaluator.{place}ann_file': data / f'annotations/{kind}_val.json'
                for split in ('val', 'test')
            }
    settings |= {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1}
    return ['--cfg-options', *(f'{key}={value}' for key, value in settings.items())]


@pytest.fixture
def options(data):
    return on_few_images(DETECTOR, data)


@pytest.mark.parametrize('config', METRICS)
def test_train_test_and_draw_on_two_processes(config, data, tmp_path):
    work_dir, options = tmp_path / 'w', on_few_images(config, data)
    done = run('bash', 'tools/dist_train.sh', config, 2, '--work-dir', work_dir, *options)
    assert done.returncode == 0, done.stderr
    assert METRICS[config].rpartition('/')[2] in done.stdout
    checkpoint = work_dir / 'epoch_1.pth'
    done = run(
        'bash',
        'tools/dist_test.sh',
        config,
        checkpoint,
        2,
        '--work-dir',
        work_dir,
        '--show-dir',
        tmp_path / 'shown',
        *options,
    )
    assert done.returncode == 0, done.stderr
    assert METRICS[config] in done.stdout
    # only the first process draws, and only its half of the images
    assert any((tmp_path / 'shown').rglob('*.*g'))
    done = run(
        'python',
        'tools/demo.py',
        config,
        checkpoint,
        data / 'images/val',
        '--out',
        tmp_path / 'drawn',
        *options,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / 'drawn').glob('*.jpg'))) == 4


def test_pretrain_and_draw_on_two_processes(data, tmp_path):
    config, work_dir = 'configs/ssl/mae_vitae_demo_20e_shapes.py', tmp_path / 'w'
    done = run(
        'bash',
        'tools/dist_train.sh',
        config,
        2,
        '--work-dir',
        work_dir,
        '--cfg-options',
        f'train_dataloader.dataset.data_root={data}',
        'train_dataloader.batch_size=2',
        'train_cfg.max_epochs=1',
    )
    assert done.returncode == 0, done.stderr
    done = run(
        'python',
        'tools/demo.py',
        config,
        work_dir / 'epoch_1.pth',
        data / 'images/val',
        '--out',
        tmp_path / 'drawn',
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / 'drawn').glob('*.jpg'))) == 4


def test_a_checkpoint_of_another_backbone_is_not_tested(options, tmp_path):
    import torch

    torch.save(dict(state_dict={'backbone.conv1.weight': torch.ones(1)}), tmp_path / 'r50.pth')
    message = complaint(
        run(
            'python',
            'tools/test.py',
            DETECTOR,
            tmp_path / 'r50.pth',
            '--work-dir',
            tmp_path / 'w',
            *options,
        )
    )
    assert 'does not fit MaskRCNN: 0 of' in message and 'backbone.conv1.weight' in message


def test_a_truncated_checkpoint_is_not_tested(options, tmp_path):
    (tmp_path / 'a.pth').write_bytes(b'PK\x03\x04 cut')
    message = complaint(
        run(
            'python',
            'tools/test.py',
            DETECTOR,
            tmp_path / 'a.pth',
            '--work-dir',
            tmp_path / 'w',
            *options,
        )
    )
    assert 'a.pth is truncated' in message


def test_annotations_of_other_classes_stop_the_run(options, tmp_path):
    data = tmp_path / 'shapes'
    write_shapes(data, dict(train=1, val=1))
    path = data / 'annotations/instances_train.json'
    content = json.loads(path.read_text())
    content['categories'] = [dict(id=1, name='circle')]
    path.write_text(json.dumps(content))
    message = complaint(
        run(
            'bash',
            'tools/dist_train.sh',
            DETECTOR,
            2,
            '--work-dir',
            tmp_path / 'w',
            '--cfg-options',
            f'train_dataloader.dataset.data_root={data}',
            f'val_dataloader.dataset.data_root={data}',
        )
    )
    assert "['circle']" in message and message.count('error') == 1
    assert not (tmp_path / 'w').exists()
