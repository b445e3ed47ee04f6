import json
import math

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.datasets import PackInputs
from mmpretrain.registry import METRICS

from vitae_mm.errors import InputError
from vitae_mm.evaluation import ReassessedLabels

LABELS = [[3], [], [0, 5], [7, 2, 9], [], [1], [4], [6, 8]]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'real.json'
    path.write_text(json.dumps(LABELS))
    return str(path)


@pytest.fixture
def metric(file):
    return ReassessedLabels(file, num_images=len(LABELS))


def image_path(index):
    return f'data/val/n01440764/ILSVRC2012_val_{index + 1:08d}.JPEG'


@pytest.fixture
def samples():
    scores = torch.rand(len(LABELS), 10, generator=torch.Generator().manual_seed(0))
    for index in (0, 2, 7):
        scores[index, LABELS[index][-1]] = 2.0
    return [
        dict(img_path=image_path(index), pred_score=score) for index, score in enumerate(scores)
    ]


def expected(samples):
    right = [
        int(sample['pred_score'].argmax()) in classes
        for sample, classes in zip(samples, LABELS, strict=True)
        if classes
    ]
    return 100 * sum(right) / len(right)


def complaint(content, path, num_images=1):
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        ReassessedLabels(str(path), num_images=num_images)
    assert str(path) in str(error.value)
    return str(error.value)


def test_accuracy_is_the_share_of_images_with_a_correct_label(metric, samples):
    metric.process(None, samples)
    assert 0 < expected(samples) < 100
    assert metric.evaluate(len(samples)) == {'real/top1': pytest.approx(expected(samples))}


def test_images_without_labels_are_ignored(metric, samples):
    metric.process(None, samples[:2])
    assert metric.evaluate(2) == {'real/top1': 100.0}


def test_without_labels_the_accuracy_is_nan(metric, samples):
    metric.process(None, [samples[1], samples[4]])
    assert math.isnan(metric.evaluate(2)['real/top1'])


def test_the_order_of_images_does_not_matter(metric, samples):
    metric.process(None, samples[5:] + samples[:5][::-1])
    assert metric.evaluate(len(samples))['real/top1'] == pytest.approx(expected(samples))


def test_predicted_labels_give_the_same_accuracy_as_scores(metric, samples):
    metric.process(
        None,
        [
            dict(img_path=sample['img_path'], pred_label=sample['pred_score'].argmax(keepdim=True))
            for sample in samples
        ],
    )
    assert metric.evaluate(len(samples))['real/top1'] == pytest.approx(expected(samples))


@pytest.mark.parametrize('count', [8, 7])
def test_two_processes_give_the_same_accuracy_as_one(file, samples, count, monkeypatch):
    halves = [ReassessedLabels(file, num_images=len(LABELS)) for _ in range(2)]
    samples = samples[:count]
    for rank, half in enumerate(halves):
        # the second process repeats the first image if the number is odd
        half.process(None, (samples + samples[: count % 2])[rank::2])
    # mmengine collects one entry per image and drops those beyond the size
    gathered = [
        entry for pair in zip(*(half.results for half in halves), strict=True) for entry in pair
    ]
    monkeypatch.setattr(
        'mmengine.evaluator.metric.collect_results',
        lambda results, size, *args, **kwargs: gathered[:size],
    )
    whole = ReassessedLabels(file, num_images=len(LABELS))
    whole.process(None, samples)
    assert halves[0].evaluate(count)['real/top1'] == whole.compute_metrics(whole.results)['top1']


def test_it_works_with_the_accuracy_of_mmpretrain(file, samples):
    pack = PackInputs()
    packed = [
        pack(dict(img_path=sample['img_path'], gt_label=0))['data_samples'].set_pred_score(
            sample['pred_score']
        )
        for sample in samples
    ]
    with METRICS.switch_scope_and_registry('mmpretrain'):
        evaluator = Evaluator(
            [
                dict(type='Accuracy', topk=(1, 5)),
                dict(type='vitae_mm.ReassessedLabels', ann_file=file, num_images=len(LABELS)),
            ]
        )
    evaluator.process(packed)
    metrics = evaluator.evaluate(len(packed))
    assert set(metrics) == {'accuracy/top1', 'accuracy/top5', 'real/top1'}
    assert metrics['real/top1'] == pytest.approx(expected(samples))


@pytest.mark.parametrize(
    'name',
    [
        'cat.jpg',
        'ILSVRC2012_val_00000009.JPEG',
        'ILSVRC2012_val_00000000.JPEG',
        'ILSVRC2012_val_000000011.JPEG',
        'ILSVRC2012_val_00000001/cat.jpg',
    ],
)
def test_images_of_another_dataset_are_reported(metric, name):
    with pytest.raises(InputError, match=f'{name} has no number from 1 to 8'):
        metric.process(None, [dict(img_path=name, pred_score=torch.ones(10))])


def test_images_without_a_path_are_reported(metric):
    with pytest.raises(InputError, match='meta_keys of PackInputs'):
        metric.process(None, [dict(pred_score=torch.ones(10))])


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(InputError, match='none.json cannot be read .*reassessed-imagenet'):
        ReassessedLabels(str(tmp_path / 'none.json'))


@pytest.mark.parametrize('content', [b'<html>', b'', b'[[1], ', b'\xff\xfe\x00'])
def test_a_file_that_is_not_json_is_reported(tmp_path, content):
    assert 'is not JSON' in complaint(content, tmp_path / 'real.json')


def test_a_file_that_is_not_a_list_is_reported(tmp_path):
    assert 'is not a list' in complaint(b'{"0": [1]}', tmp_path / 'real.json')


@pytest.mark.parametrize('entry', ['7', '["7"]', '[1.5]', '[true]', '[-1]', '[1000]', '[[1]]'])
def test_invalid_entries_are_reported(tmp_path, entry):
    content = f'[[999, 0], {entry}]'.encode()
    assert 'entry 1 is' in complaint(content, tmp_path / 'real.json', num_images=2)


def test_a_file_of_another_length_is_rejected(file):
    with pytest.raises(InputError, match='has 8 entries, but there are 50000 images'):
        ReassessedLabels(file)
