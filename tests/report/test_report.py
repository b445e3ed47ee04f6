"""Reports of tests with known predictions, compared with the metrics and with plain counts."""

import json
import re
import shutil
from collections import Counter
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData

from vitae_mm.errors import InputError
from vitae_mm.report import Report, check_folder, print_scores
from vitae_mm.report.charts import draw_curves
from vitae_mm.report.task import Summary
from vitae_mm.visualization.palette import DISTINCT

from ..helpers import own_metric, training  # noqa: F401  registers OwnMetric
from ..helpers.commands import run
from ..helpers.fake_tests import run_test


@pytest.fixture
def config(data, tmp_path):
    return lambda scope: Config.fromfile(training.WRITERS[scope](tmp_path / 'c.py', data))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'report'


def detect(dataset, index, sample):
    """Boxes beside their objects; in image 1 of a wrong class, in image 3 one too many."""
    random = np.random.default_rng(index)
    objects = dataset.get_data_info(index)['instances']
    boxes = np.array([entry['bbox'] for entry in objects]) + random.normal(0, 2, (len(objects), 4))
    labels = [(entry['bbox_label'] + (index == 1)) % 4 for entry in objects]
    if index == 3:
        boxes, labels = np.concatenate([boxes, [[0, 0, 5, 5]]]), [*labels, 0]
    sample.pred_instances = InstanceData(
        bboxes=torch.from_numpy(boxes).float(),
        labels=torch.tensor(labels),
        scores=torch.from_numpy(random.uniform(0.5, 1, len(labels))).float(),
    )


def segment(dataset, index, sample):
    """The truth, but the upper rows of image 2 and all of image 4 are wrong."""
    labels = sample.gt_sem_seg.data.clone().long()
    rows = {2: 60, 4: 192}.get(index, 0)
    labels[:, :rows] = (labels[:, :rows] + 1) % 5
    sample.pred_sem_seg = PixelData(data=labels)


def find_pose(dataset, index, sample):
    """The truth, with the second keypoint off by a tenth of the box, and pose 3 by the whole."""
    true = sample.gt_instances
    size = np.max(true.bboxes[0, 2:] - true.bboxes[0, :2])
    points = true.keypoints.copy()
    points[:, 1, 0] += 0.1 * size
    if index == 3:
        points[..., 1] += size
    sample.pred_instances = InstanceData(
        keypoints=points, keypoint_scores=np.ones(points.shape[:2]), bboxes=true.bboxes
    )


def classify(dataset, index, sample):
    """The truth, but class 2 for images 5 and 9, more confidently for 9."""
    label = 2 if index in (5, 9) else int(sample.gt_label)
    scores = torch.full((4,), 0.01 * (15 - index) if index in (5, 9) else 0.1)
    scores[label] = 1 - 3 * scores[0]
    sample.set_pred_score(scores).set_pred_label(label)


def check_page(folder):
    """The page shows every file of the report, and needs nothing else."""
    page = (folder / 'index.html').read_text()
    links = {unescape(link) for link in re.findall(r'(?:src|href)="([^"]*)"', page)}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file()}
    assert links | {'index.html'} == files and 'contact_sheet.png' in files
    assert '<script' not in page and '://' not in page
    sheet = cv2.imread(str(folder / 'contact_sheet.png'))
    assert min(sheet.shape[:2]) > 400 and sheet.std() > 20
    assert cv2.imread(str(folder / 'worst/01.jpg')).shape[0] >= 320


def test_curves_and_averages_are_those_of_the_metric(config, folder):
    cfg = config('mmdet')
    cfg.test_evaluator.classwise = True
    metrics, report = run_test(cfg, detect, folder)
    precision = report.summary.table['bbox_AP']
    for name, score in precision.items():
        assert score == pytest.approx(metrics[f'coco/{name}_precision'], abs=6e-4)
    assert np.mean(list(precision.values())) == pytest.approx(metrics['coco/bbox_mAP'], abs=6e-4)
    assert 0.1 < metrics['coco/bbox_mAP'] < 0.9
    curves = json.loads((folder / 'report.json').read_text())['data']['precision_recall_bbox']
    average = np.mean(list(curves['precision'].values()))
    assert average == pytest.approx(metrics['coco/bbox_mAP_50'], abs=6e-4)
    # all objects of image 1 have the wrong class
    count = len(json.loads(Path(cfg.test_evaluator.ann_file).read_text())['images'])
    assert len(report.shown) == count
    assert (report.worst[0].name, report.worst[0].caption[:5]) == ('000001.jpg', '0 of ')
    extra = next(picture for picture in report.worst if picture.name == '000003.jpg')
    assert '1 extra' in extra.caption
    check_page(folder)


def test_bars_are_the_iou_of_the_pixels(config, folder, data):
    cfg = config('mmseg')
    name = '<script>alert("ground")</script>'
    cfg.test_dataloader.dataset.metainfo.classes = (name, 'b', 'c', 'd', 'e')
    metrics, report = run_test(cfg, segment, folder)
    true, found = [], []
    for index, path in enumerate(sorted((data / 'masks/train').glob('*.png'))):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(int)
        true.append(labels)
        rows = {2: 60, 4: 192}.get(index, 0)
        found.append(np.concatenate([(labels[:rows] + 1) % 5, labels[rows:]]))
    true, found = np.stack(true), np.stack(found)
    wanted = [
        100
        * ((true == label) & (found == label)).sum()
        / ((true == label) | (found == label)).sum()
        for label in range(5)
    ]
    assert list(report.summary.table['IoU'].values()) == pytest.approx(wanted, abs=1e-3)
    assert np.mean(wanted) == pytest.approx(metrics['mIoU'], abs=0.01)
    assert [picture.name for picture in report.worst] == ['000004.jpg', '000002.jpg']
    assert report.worst[0].caption == 'mean IoU 0.0'
    check_page(folder)
    assert '&lt;script&gt;alert' in (folder / 'index.html').read_text()
    assert name in json.loads((folder / 'report.json').read_text())['by_class']['IoU']


def test_errors_are_those_of_the_keypoints(config, folder, data):
    metrics, report = run_test(config('mmpose'), find_pose, folder)
    entries = json.loads((data / 'annotations/keypoints_train.json').read_text())['annotations']
    visible = np.array([entry['keypoints'] for entry in entries]).reshape(len(entries), 5, 3)[
        ..., 2
    ]
    seen = (visible > 0).sum(0)
    table = report.summary.table
    assert list(table['seen'].values()) == seen.tolist()
    # pose 3 is wrong, and so is the second keypoint of all
    right = [0 if i == 1 else (seen[i] - (visible[3, i] > 0)) / seen[i] for i in range(5)]
    assert list(table['PCK@0.05'].values()) == pytest.approx(right)
    assert np.mean(right) == pytest.approx(metrics['PCK'])
    assert table['error']['corner1'] == pytest.approx((visible[3, 0] > 0) / seen[0], abs=1e-3)
    assert table['error']['corner2'] >= 0.1
    assert report.worst[0].caption.startswith('mean error 100.')
    # poses of one image are drawn on one picture
    assert len(report.shown) == len({entry['image_id'] for entry in entries}) == 5
    check_page(folder)


def test_the_most_confident_mistakes_come_first(config, folder, data):
    _, report = run_test(config('mmpretrain'), classify, folder)
    files = sorted((data / 'classes/train').glob('*/*.jpg'))[:16]
    true = [path.parent.name for path in files]
    found = ['star' if i in (5, 9) else name for i, name in enumerate(true)]
    names = list(report.summary.table['accuracy'])
    counts = Counter(zip(true, found, strict=True))
    matrix = [[counts[row, column] for column in names] for row in names]
    content = json.loads((folder / 'report.json').read_text())
    assert content['data']['confusion_matrix'] == matrix
    wrong = [i for i in (9, 5) if true[i] != 'star']
    assert [picture.name for picture in report.worst] == [files[i].name for i in wrong]
    assert [entry['caption'] for entry in content['worst']] == [
        f'star, {1 - 0.03 * (15 - i):.2f}, instead of {true[i]}' for i in wrong
    ]
    check_page(folder)


@pytest.mark.slow
def test_a_browser_shows_the_page(config, folder, tmp_path):
    chromium = shutil.which('chromium')
    if not chromium:
        pytest.skip('needs Chromium: apt-get install chromium')
    run_test(config('mmseg'), segment, folder)
    options = '--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=1200,4000'
    shot = tmp_path / 'shot.png'
    page = (folder / 'index.html').as_uri()
    done = run(chromium, *options, f'--screenshot={shot}', page)
    assert done.returncode == 0, done.stderr
    seen = cv2.imread(str(shot))
    # the colors of the contact sheet and of the bars, on a white page
    assert (seen == 255).all(-1).mean() > 0.2
    assert all((seen == color[::-1]).all(-1).any() for color in DISTINCT[:5])


def test_what_cannot_be_shown_is_left_out(config, folder, capsys):
    cfg = config('mmdet')
    cfg.test_evaluator = dict(type='OwnMetric')
    _, report = run_test(cfg, detect, folder)
    assert report.scores == dict(count=5) and report.shown and report.worst
    assert 'no precision-recall curves' in report.left_out[0]
    assert report.left_out[0][:30] in (folder / 'index.html').read_text()
    print_scores(report)
    printed = capsys.readouterr().out
    assert 'count' in printed and 'report: no precision-recall curves' in printed
    assert '\x1b' not in printed  # not a terminal


def test_a_report_that_cannot_be_written_does_not_fail_the_test(config, folder, monkeypatch):
    def fail(*_):
        raise OSError('No space left on device')

    monkeypatch.setattr(Report, '_write_files', fail)
    _, report = run_test(config('mmpretrain'), classify, folder)
    assert report.scores and report.page is None and not folder.exists()
    assert report.left_out == ['no report: OSError: No space left on device.']


def test_names_are_printed_as_they_are(capsys):
    names = ['[background]', 'text [en]', '[/x]', ':car:']
    summary = Summary(table=dict(IoU=dict.fromkeys(names, 0.5)))
    print_scores(Report(scores={}, about={}, left_out=[], summary=summary))
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)


def test_legends_have_all_names():
    curves = {'_background_': np.full(3, 0.5), '$a$': np.full(3, 0.25)}
    colors = dict.fromkeys(curves, (0, 0, 0))
    figure = draw_curves(curves, np.linspace(0, 1, 3), colors=colors, title='')
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ['_background_: 0.500', '$a$: 0.250', 'mean: 0.375']


def test_other_codebases_and_predictions_do_not_fail_the_test(config, folder):
    cfg = config('mmdet')
    cfg.test_evaluator = dict(type='OwnMetric')
    _, report = run_test(cfg, detect, folder, scope='mmagic')
    assert report.scores == dict(count=5) and not report.shown
    assert "default_scope 'mmagic' of the config is not one of mmpretrain" in report.left_out[0]
    _, report = run_test(cfg, lambda *_: None, folder)
    assert report.scores == dict(count=5) and not report.shown
    (sentence,) = report.left_out
    assert sentence.startswith('no pictures and charts: AttributeError')
    assert sentence.split(':')[0] in (folder / 'index.html').read_text()


def test_only_an_earlier_report_is_replaced(config, folder):
    folder.mkdir()
    check = pytest.raises(InputError, match='is not a report of this tool: move it')
    with check:
        check_folder(folder)
    (folder / 'report.json').write_text('[]')
    with check:
        check_folder(folder)
    (folder / 'report.json').unlink()
    folder.rmdir()
    check_folder(folder)
    run_test(config('mmpretrain'), classify, folder)
    (folder / 'worst/old.jpg').touch()
    check_folder(folder)
    run_test(config('mmpretrain'), classify, folder)
    assert not (folder / 'worst/old.jpg').exists()
    assert [path.name for path in folder.parent.glob('*report*')] == ['report']
