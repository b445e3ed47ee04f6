import pytest
import torch

from vitae_mm.errors import InputError
from vitae_mm.evaluation import DetectionConfusionMatrix, SegmentationConfusionMatrix

LEFT, RIGHT, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [80, 80, 90, 90]
A, B = 0, 1
BACKGROUND = 2


def image(true=(), found=(), crowds=()):
    """A data sample; objects are (box, class), found boxes (box, class, score)."""

    def instances(entries, *keys):
        columns = list(zip(*entries, strict=True)) or [()] * (1 + len(keys))
        return dict(
            bboxes=torch.tensor(columns[0], dtype=torch.float).view(-1, 4),
            **{key: torch.tensor(column) for key, column in zip(keys, columns[1:], strict=True)},
        )

    return dict(
        gt_instances=instances(true, 'labels'),
        ignored_instances=instances(crowds, 'labels'),
        pred_instances=instances(found, 'labels', 'scores'),
    )


def confused(*samples, **options):
    """Counts of (true, predicted) classes."""
    metric = DetectionConfusionMatrix(**options)
    metric.dataset_meta = dict(classes=('a', 'b'))
    metric.process(None, samples)
    assert len(metric.results) == len(samples)  # mmengine expects one entry per sample
    matrix = metric.evaluate(len(samples))['confusion_matrix/result']
    assert matrix.shape == (3, 3)
    return {tuple(cell): matrix[tuple(cell)].item() for cell in matrix.nonzero().tolist()}


def test_boxes_are_matched_with_overlapping_objects():
    assert confused(
        image([(LEFT, A), (RIGHT, B)], [(LEFT, A, 0.9), (RIGHT, A, 0.8)]),
        image([(LEFT, B)], [(LEFT, B, 0.9)]),
    ) == {(A, A): 1, (B, A): 1, (B, B): 1}


def test_unmatched_boxes_and_objects_count_as_background():
    assert confused(image([(LEFT, A)], [(FAR, B, 0.9)])) == {(A, BACKGROUND): 1, (BACKGROUND, B): 1}


def test_boxes_with_low_scores_are_ignored():
    sample = image([(LEFT, A)], [(LEFT, A, 0.29)])
    assert confused(sample) == {(A, BACKGROUND): 1}
    assert confused(sample, score=0.2) == {(A, A): 1}


def test_an_object_is_matched_once_with_the_highest_score():
    assert confused(image([(LEFT, A)], [(LEFT, B, 0.5), (LEFT, A, 0.9)])) == {
        (A, A): 1,
        (BACKGROUND, B): 1,
    }


def test_a_box_is_matched_with_the_object_it_overlaps_most():
    near = [0, 0, 10, 7]
    assert confused(image([(near, B), (LEFT, A)], [(LEFT, A, 0.9)])) == {
        (A, A): 1,
        (B, BACKGROUND): 1,
    }


def test_overlap_is_intersection_over_union():
    half, less = [0, 0, 10, 5], [0, 0, 10, 4.9]
    assert confused(image([(LEFT, A)], [(half, A, 0.9)])) == {(A, A): 1}
    assert confused(image([(LEFT, A)], [(less, A, 0.9)])) == {
        (A, BACKGROUND): 1,
        (BACKGROUND, A): 1,
    }
    assert confused(image([(LEFT, A)], [(less, A, 0.9)]), overlap=0.4) == {(A, A): 1}


def test_boxes_in_crowds_are_ignored():
    crowd = [0, 0, 50, 50]
    assert confused(image([], [(RIGHT, A, 0.9), (FAR, A, 0.9)], [(crowd, A)])) == {
        (BACKGROUND, A): 1
    }


def test_an_image_may_be_empty():
    assert confused(image()) == {}
    assert confused(image([(LEFT, B)])) == {(B, BACKGROUND): 1}
    assert confused(image(found=[(LEFT, B, 0.9)])) == {(BACKGROUND, B): 1}


def segmented(*pairs, **options):
    metric = SegmentationConfusionMatrix(**options)
    metric.dataset_meta = dict(classes=('a', 'b', 'c'))
    metric.process(
        None,
        [
            dict(
                gt_sem_seg=dict(data=torch.tensor([true], dtype=torch.uint8)),
                pred_sem_seg=dict(data=torch.tensor([found])),
                seg_map_path=f'{i}.png',
            )
            for i, (true, found) in enumerate(pairs)
        ],
    )
    assert len(metric.results) == len(pairs)
    return metric.evaluate(len(pairs))['confusion_matrix/result'].tolist()


def test_pixels_are_counted_by_true_and_predicted_class():
    assert segmented(([[0, 0], [1, 2]], [[0, 1], [1, 1]]), ([[1]], [[0]])) == [
        [1, 1, 0],
        [1, 1, 0],
        [0, 1, 0],
    ]


def test_ignored_pixels_are_not_counted():
    pair = [[255, 0]], [[1, 0]]
    assert segmented(pair) == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert segmented(([[0, 2]], [[0, 2]]), ignore_index=0) == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_a_label_map_may_be_all_ignored():
    assert segmented(([[255]], [[1]])) == [[0] * 3] * 3


def test_a_label_beyond_the_classes_is_reported_with_its_file():
    with pytest.raises(InputError, match='1.png has the label 3, but there are 3 classes, 0 to 2'):
        segmented(([[0]], [[0]]), ([[0, 3]], [[0, 0]]))
