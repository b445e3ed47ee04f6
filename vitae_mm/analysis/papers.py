"""What the papers report. Nothing here was measured with this code.

Metafiles, READMEs, the first lines of configs and the tables of tools/reproduce.py repeat these
figures; the tests hold them to this file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scores:
    """Published scores of a config.

    Attributes:
        task: Task, as OpenMMLab's metafiles name it.
        dataset: Dataset of the test.
        metrics: Scores by name, in percent. Names are those of the metafiles.
        source: Who reports them, and in which table.
    """

    task: str
    dataset: str
    metrics: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class Figures:
    """Published accuracies of the rows of an experiment.

    Attributes:
        rows: Top-1 on ImageNet-1k in percent by label of the row, or what the paper says where it
            gives no such number. Rows without a figure are left out.
        source: The paper, its table or section, and how its rows differ from ours.
    """

    rows: Mapping[str, float | str] = field(default_factory=dict)
    source: str = ''


def _table(
    task: str, dataset: str, metrics: Sequence[str], rows: Mapping[str, tuple]
) -> dict[str, Scores]:
    """Returns the scores by config. Each row has a value for each metric, None if it is not
    reported, and the source."""
    return {
        config: Scores(
            task,
            dataset,
            {name: value for name, value in zip(metrics, values, strict=True) if value is not None},
            source,
        )
        for config, (*values, source) in rows.items()
    }


def _transfer_scores() -> dict[str, Scores]:
    return {
        f'{model}_{ending}': Scores(CLASSIFICATION, dataset, {TOP_1: value}, source)
        for model, (*values, source) in TRANSFER.items()
        for (ending, dataset), value in zip(TRANSFER_SETS.items(), values, strict=True)
        if value is not None
    }


CLASSIFICATION = 'Image Classification'
TOP_1 = 'Top 1 Accuracy'

VITAE_2 = 'Paper (ViTAE, Table 2)'
VITAE_4 = 'Paper (ViTAE, Table 4)'
VITAE_5 = 'Paper (ViTAE, Table 5)'
VITAEV2 = 'Paper (ViTAEv2)'
CEIT = 'Paper (CeiT)'
# https://github.com/ViTAE-Transformer/ViTAE-Transformer
AUTHORS = 'Authors of ViTAEv2'

# fmt: off
IMAGENET = {
    # config                           top-1  top-5 ReaL
    'vitae_t_300e_in1k':              (75.3, 92.7, 82.9, VITAE_2),
    'vitae_6m_300e_in1k':             (77.9, 94.1, 84.9, VITAE_2),
    'vitae_13m_300e_in1k':            (81.0, 95.4, 86.8, VITAE_2),
    'vitae_s_300e_in1k':              (82.0, 95.9, 87.0, VITAE_2),
    'vitae_t_384_30e_in1k':           (77.2, 93.8, 84.4, VITAE_2),
    'vitae_s_384_30e_in1k':           (83.0, 96.2, 87.5, VITAE_2),
    'vitae_b_mae_100e_in1k':          (83.8, None, 89.4, VITAEV2),
    'vitae_b_mae_in22k_100e_in1k':    (84.8, None, 89.9, VITAEV2),
    'vitae_l_mae_50e_in1k':           (86.0, None, 90.3, VITAEV2),
    'vitae_l_mae_in22k_50e_in1k':     (87.5, None, 90.8, VITAEV2),
    # ReaL: the text; the authors' table has 90.6
    'vitae_h_mae_50e_in1k':           (86.9, None, 91.2, VITAEV2),
    'vitae_h_mae_in22k_50e_in1k':     (88.0, None, 90.7, VITAEV2),
    'vitae_h_mae_50e_in1k_subset':    (82.4, None, None, VITAEV2),
    'vitaev2_s_300e_in1k':            (82.6, None, 87.6, VITAEV2),
    'vitaev2_48m_300e_in1k':          (83.8, None, 88.4, VITAEV2),
    'vitaev2_b_300e_in1k':            (84.6, None, 88.7, VITAEV2),
    'vitaev2_48m_384_30e_in1k':       (84.7, None, None, VITAEV2),
    'vitaev2_b_384_30e_in1k':         (85.3, None, None, VITAEV2),
    'ceit_t_300e_in1k':               (76.4, 93.4, 83.6, CEIT),
    'ceit_s_300e_in1k':               (82.0, 95.9, 87.3, CEIT),
    'ceit_t_384_30e_in1k':            (78.8, 94.7, 85.6, CEIT),
    'ceit_s_384_30e_in1k':            (83.3, 96.5, 88.1, CEIT),
    'deit_t_300e_in1k':               (72.2, 91.1, 80.6, VITAE_2),
    'deit_s_300e_in1k':               (79.9, 95.0, 85.7, VITAE_2),
    't2t_7_300e_in1k':                (71.7, 90.9, 79.7, VITAE_2),
    't2t_14_300e_in1k':               (81.5, 95.7, 86.8, VITAE_2),
    'swin_t_300e_in1k':               (81.3, None, None, VITAE_2),
    'r50_300e_in1k':                  (76.7, 93.3, 82.5, VITAE_2),
}
TRANSFER_SETS = {
    'cifar10': 'CIFAR-10',
    'cifar100': 'CIFAR-100',
    'inat2018': 'iNaturalist 2018',
    'inat2019': 'iNaturalist 2019',
    'cars': 'Stanford Cars',
    'flowers102': 'Flowers-102',
    'pets': 'Oxford-IIIT Pets',
}
"""How the name of a config ends -> its dataset."""
TRANSFER = {
    # config: in the order of TRANSFER_SETS
    'vitae_t_100e':    (97.3, 86.0, None, 73.3, 89.5, 97.5, 92.6, VITAE_5),
    'vitae_s_100e':    (98.8, 90.8, None, 76.0, 91.4, 97.8, 94.2, VITAE_5),
    'ceit_t_100e':     (98.5, 88.4, 64.3, 72.8, 90.5, 96.9, 93.8, CEIT),
    'ceit_t_384_100e': (98.5, 88.0, 72.2, 77.9, 93.0, 97.8, 94.5, CEIT),
    'ceit_s_100e':     (99.0, 90.8, 73.3, 78.9, 93.2, 98.2, 94.6, CEIT),
    'ceit_s_384_100e': (99.1, 90.8, 79.4, 82.7, 94.1, 98.6, 94.9, CEIT),
    'vitae_t_1000e':   (97.7, 85.0, None, None, None, None, None, VITAE_4),
}
COCO = {
    # config                       box   mask
    'mask_rcnn_vitaev2_s_1x':     (46.3, 41.8, AUTHORS),
    'mask_rcnn_vitaev2_s_3x':     (47.8, 42.6, VITAEV2),
    'mask_rcnn_swin_t_1x':        (43.7, 39.8, AUTHORS),
    'mask_rcnn_swin_t_3x':        (46.0, 41.6, AUTHORS),
    'cascade_rcnn_vitaev2_s_1x':  (50.6, 43.6, VITAEV2),
    'cascade_rcnn_vitaev2_s_3x':  (51.4, 44.5, VITAEV2),
    'cascade_rcnn_swin_t_1x':     (48.1, 41.5, AUTHORS),
    'cascade_rcnn_swin_t_3x':     (50.2, 43.5, AUTHORS),
}
ADE20K = {
    # config                           one   several scales
    'upernet_vitaev2_s_160k_ade20k':  (45.0, 48.0, VITAEV2),
    'upernet_swin_t_160k_ade20k':     (44.5, 45.8, AUTHORS),
    'upernet_r50_160k_ade20k':        (42.1, 42.8, AUTHORS),
}
AP10K = {
    'simple_baseline_vitaev2_s_210e_ap10k': (71.8, AUTHORS),
    'simple_baseline_swin_t_210e_ap10k':    (68.9, AUTHORS),
    'simple_baseline_r50_210e_ap10k':       (68.1, AUTHORS),
}
# fmt: on

SCORES = {
    **_table(CLASSIFICATION, 'ImageNet-1k', (TOP_1, 'Top 5 Accuracy', 'ReaL Accuracy'), IMAGENET),
    **_table('Instance Segmentation', 'COCO', ('box AP', 'mask AP'), COCO),
    **_table('Semantic Segmentation', 'ADE20K', ('mIoU', 'mIoU, multi-scale'), ADE20K),
    **_table('Keypoint Detection', 'AP-10K', ('AP',), AP10K),
    **_transfer_scores(),
}
"""Scores by name of the config. Those that no paper reports are left out."""

DATA_EFFICIENCY = Figures(
    {
        'ViTAE-T, 20 %': 'about T2T-ViT-7, 100 %',
        'ViTAE-T, 60 %': 'about 3 above T2T-ViT-7, 100 %',
        'ViTAE-T, 100 %': 72.6,
    },
    'ViTAE, Section 4.4',
)
TRAINING_EFFICIENCY = Figures(
    {'ViTAE-T, 100 epochs': 72.6, 'ViTAE-T, 300 epochs': 75.3, 'T2T-ViT-7, 300 epochs': 71.7},
    'ViTAE, Section 4.4',
)
VITAE_3 = 'ViTAE, Table 3'
CELLS = Figures({'baseline': 68.7, 'RC': 71.7, 'NC': 69.9, 'RC and NC': 72.6}, VITAE_3)
DILATIONS = Figures(
    {
        '1, 1, 1': 68.7,
        '12, 12, 12': 69.5,
        '123, 123, 123': 69.9,
        '1234, 1234, 1234': 69.2,
        '12345, 12345, 12345': 68.9,
        '1234, 123, 12': 69.8,
    },
    VITAE_3,
)
PARALLEL_CONVS = Figures(
    {
        'none': 68.7,
        'before the FFN': 69.9,
        'before the FFN, no batch norm': 69.1,
        'after the FFN': 68.8,
        'after the FFN, no batch norm': 69.0,
    },
    VITAE_3,
)
ATTENTION = Figures(
    {'W F F F': '+0.1', 'W W W F': '-0.4', 'W W W W': '-0.4'},
    'ViTAEv2, Table 8: differences from W W F F',
)
WINDOW_POSITION = Figures({'both': 'about +0.1'}, 'ViTAEv2, Table 9: difference from neither')
PRETRAINING_KERNEL = Figures(
    {'kernel 0': 'as ViT-L', 'kernel 1 -> 3': 'best', 'kernel 3': 'slightly above kernel 0'},
    'ViTAEv2, text',
)
CEIT_PARTS = Figures(
    {'none': 72.2, 'I2T': '73.4 (32 channels)', 'LeFF': 74.3, 'LCA': 72.8, 'all': 76.4},
    'CeiT: parts added to DeiT-T',
)
IMAGE_TO_TOKENS = Figures(
    {'16x16 patches': 72.2, '32 channels': 73.4, '32 channels, no batch norm': 72.9},
    'CeiT: added to DeiT-T',
)
LOCAL_FEED_FORWARD = Figures(
    {
        'plain FFN': 72.2,
        '3x3': 74.3,
        '5x5': 74.4,
        '1x1, no batch norm': 70.3,
        '3x3, no batch norm': 72.7,
        '5x5, no batch norm': 73.1,
    },
    'CeiT: added to DeiT-T',
)
CONVERGENCE = Figures(
    {
        'CeiT-T': 72.2,
        'CeiT-S': 78.9,
        'CeiT-B': 81.8,
        'DeiT-T': 65.3,
        'DeiT-S': 74.5,
        'DeiT-B': 76.8,
    },
    'CeiT',
)
