"""tools/test.py with small models of every codebase."""

import json
import pickle
import re

import pytest
from mmengine.config import Config
from PIL import Image

from vitae_mm.errors import InputError

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
    report = json.loads((tmp_path / 't/report/report.json').read_text())
    assert not report['left_out'] and report['scores'].keys() >= {'mIoU'}


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
        scores += re.findall(r'accuracy/top1 +([\d.]+)', done.stdout)
    assert len(scores) == 2 and scores[0] == scores[1]


def test_two_processes_write_the_report_and_predictions_of_one(data, tmp_path):
    config = training.write_detector(tmp_path / 'c.py', data)
    assert run('python', 'tools/train.py', config, '--work-dir', tmp_path).returncode == 0
    reports, predictions = [], []
    for processes in (1, 2):
        work_dir = tmp_path / f'{processes}'
        command = ['bash', 'tools/dist_test.sh', config, tmp_path / 'epoch_1.pth', processes]
        done = run(*command, '--work-dir', work_dir, '--out', work_dir / 'out/a.pkl')
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f'report: {work_dir}/report/index.html'
        report = json.loads((work_dir / 'report/report.json').read_text())
        del report['about']
        reports.append(report)
        assert [path.name for path in (work_dir / 'out').iterdir()] == ['a.pkl']
        predictions.append(pickle.loads((work_dir / 'out/a.pkl').read_bytes()))
    # five images: the processes share one
    assert reports[0] == reports[1] and len(reports[0]['worst']) == 5
    names = [[entry['img_path'] for entry in found] for found in predictions]
    assert names[0] == names[1] and len(names[0]) == 5
    first, second = ((tmp_path / f'{i}/report/contact_sheet.png').read_bytes() for i in (1, 2))
    assert first == second


@pytest.mark.parametrize(
    'there, options, words',
    [
        ('a.pkl', ['--out', 'a.pkl'], r'a\.pkl exists: choose another file, or add --overwrite'),
        (None, ['--out', 'a.json'], r'a\.json: give a file name that ends in \.pkl'),
        ('w/report/mine.txt', [], 'is not a report of this tool'),
    ],
)
def test_nothing_of_the_users_is_replaced(there, options, words, run_tool, data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    options = [tmp_path / option if option.startswith('a.') else option for option in options]
    if there:
        (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / there).touch()
    with pytest.raises(InputError, match=words):
        run_tool('tools/test.py', config, 'c.pth', '--work-dir', tmp_path / 'w', *options)


def test_predictions_of_several_datasets_are_refused(run_tool, data, tmp_path):
    cfg = Config.fromfile(training.write_pose_estimator(tmp_path / 'c.py', data))
    cfg.test_evaluator = dict(
        type='MultiDatasetEvaluator',
        metrics=[cfg.test_evaluator],
        datasets=[cfg.test_dataloader.dataset],
    )
    cfg.dump(tmp_path / 'c.py')
    options = ['--work-dir', tmp_path / 'w', '--out', tmp_path / 'a.pkl']
    with pytest.raises(InputError, match=r'a\.pkl: .* test_evaluator of type MultiDatasetEval'):
        run_tool('tools/test.py', tmp_path / 'c.py', tmp_path / 'c.pth', *options)
