"""tools/test.py with small models of every codebase."""

import re

import pytest
from mmengine.config import Config
from PIL import Image

from ..helpers import training
from ..helpers.commands import ROOT, complaint, run

pytestmark = pytest.mark.slow


HOOKS = dict(
    mmpretrain='VisualizationHook', mmseg='SegVisualizationHook', mmpose='PoseVisualizationHook'
)
VISUALIZERS = dict(
    mmpretrain='UniversalVisualizer',
    mmseg='SegLocalVisualizer',
    mmpose='vitae_mm.KeypointVisualizer',
)


@pytest.mark.parametrize(
    'write', [training.write_classifier, training.write_segmentor, training.write_pose_estimator]
)
def test_every_codebase_draws_predictions(write, data, tmp_path):
    cfg = Config.fromfile(write(tmp_path / 'c.py', data))
    scope = cfg.default_scope
    cfg.default_hooks.visualization = dict(type=HOOKS[scope])
    cfg.visualizer = dict(type=VISUALIZERS[scope], vis_backends=[dict(type='LocalVisBackend')])
    cfg.train_dataloader.dataset.indices = cfg.test_dataloader.dataset.indices = 4
    cfg.dump(tmp_path / 'c.py')
    done = run('python', 'tools/train.py', tmp_path / 'c.py', '--work-dir', tmp_path)
    assert done.returncode == 0, done.stderr
    done = run(
        'python',
        'tools/test.py',
        tmp_path / 'c.py',
        tmp_path / 'epoch_1.pth',
        '--work-dir',
        tmp_path / 't',
        '--show-dir',
        tmp_path / 'pictures',
    )
    assert done.returncode == 0, done.stderr
    pictures = list((tmp_path / 'pictures').rglob('*.*g'))
    assert len(pictures) == 4
    assert all(min(Image.open(path).size) > 20 for path in pictures)


def test_views_are_averaged(data, tmp_path):
    cfg = Config.fromfile(training.write_segmentor(tmp_path / 'c.py', data))
    cfg.train_dataloader.dataset.indices = cfg.test_dataloader.dataset.indices = 2
    message = complaint(run_with_views(cfg, tmp_path, train=True))
    assert "--tta: the config has no ['tta_model', 'tta_pipeline']" in message
    ade20k = Config.fromfile(ROOT / 'configs/seg/upernet_vitaev2_s_160k_ade20k.py')
    cfg.tta_model = ade20k.tta_model
    cfg.tta_pipeline = ade20k.tta_pipeline
    transforms = cfg.tta_pipeline[1].transforms
    transforms[0] = [dict(type='Resize', scale_factor=ratio) for ratio in (0.5, 1.0)]
    transforms[2] = [dict(type='LoadAnnotations')]
    done = run_with_views(cfg, tmp_path)
    assert done.returncode == 0 and 'mIoU' in done.stdout, done.stderr


def run_with_views(cfg, folder, train=False):
    cfg.dump(folder / 'c.py')
    if train:
        run('python', 'tools/train.py', folder / 'c.py', '--work-dir', folder)
    return run(
        'bash',
        'tools/dist_test.sh',
        folder / 'c.py',
        folder / 'epoch_1.pth',
        2,
        '--work-dir',
        folder / 't',
        '--tta',
    )


def test_a_pretraining_cannot_be_tested(data, tmp_path):
    config = training.write_pretraining(tmp_path / 'c.py', data)
    message = complaint(run('python', 'tools/test.py', config, 'a.pth'))
    assert 'has no test_dataloader: there is nothing to test' in message


def test_fused_models_score_the_same(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    assert run('python', 'tools/train.py', config, '--work-dir', tmp_path).returncode == 0
    scores = []
    for options in ([], ['--fuse']):
        done = run(
            'python',
            'tools/test.py',
            config,
            tmp_path / 'epoch_1.pth',
            '--work-dir',
            tmp_path / 't',
            *options,
        )
        assert done.returncode == 0, done.stderr
        scores += re.findall(r'accuracy/top1: ([\d.]+)', done.stdout)
    assert len(scores) == 2 and scores[0] == scores[1]
