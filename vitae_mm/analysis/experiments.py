"""The experiments that tools/reproduce.py repeats: which configs, beside which figures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vitae_mm.errors import InputError

PRESETS = dict(
    mini='narrow networks on a tenth of CIFAR-10, for two CPU cores',
    gpu='CIFAR-10 at 32x32, for one GPU',
    paper='ImageNet: prints the commands, runs nothing',
)


@dataclass(frozen=True)
class Stage:
    """A training.

    Attributes:
        config: Path of the config.
        options: Entries that it changes, as ``--cfg-options`` takes them.
    """

    config: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of a table: what is trained, and tested at the end.

    Attributes:
        label: What the row is about; the papers' figures go by it.
        stages: Trained one after another, each but the first from the
            weights of the one before; the last is tested.
        series: Rows of one series are joined by a line in the picture.
        x: Where a row of a series stands on the axis.
    """

    label: str
    stages: tuple[Stage, ...]
    series: str | None = None
    x: float | None = None

    @property
    def name(self) -> str:
        """The label as the name of a folder."""
        return re.sub('[^a-z0-9]+', '_', self.label.lower()).strip('_')


@dataclass(frozen=True)
class Experiment:
    """Rows that are compared by top-1 accuracy.

    Attributes:
        title: What is compared.
        presets: Rows by preset, of :data:`PRESETS`.
        paper: What the papers report of a label, in percent; for labels that
            are not there no figure is known for certain.
        axis: What ``x`` of the rows is, with its unit.
    """

    title: str
    presets: Mapping[str, tuple[Row, ...]]
    paper: Mapping[str, float] = field(default_factory=dict)
    axis: str = ''


def find_rows(name: str, preset: str) -> tuple[Row, ...]:
    """The rows of an experiment in a preset.

    Raises:
        InputError: If there is no such experiment, or it has no such preset.
    """
    if name not in EXPERIMENTS:
        raise InputError(f'experiment {name!r} is unknown: choose from {list(EXPERIMENTS)}.')
    presets = EXPERIMENTS[name].presets
    if preset not in presets:
        raise InputError(
            f'experiment {name} has no preset {preset!r}: choose from {list(presets)}.'
        )
    return presets[preset]


def _rows(form: str, endings: Mapping[str, str]) -> tuple[Row, ...]:
    """A row for each label; its config is ``form`` with the ending put in."""
    return tuple(
        Row(label, (Stage(f'configs/cls/{form}.py'.format(ending)),))
        for label, ending in endings.items()
    )


def _curves(models: Mapping[str, str], forms: Mapping[float, str], unit: str) -> tuple[Row, ...]:
    """A row for each series and each x; its config is the form of x with the
    model of the series put in."""
    return tuple(
        Row(f'{series}, {x} {unit}', (Stage(f'configs/cls/{form}.py'.format(model)),), series, x)
        for series, model in models.items()
        for x, form in forms.items()
    )


def _kernels(pretrained: Mapping[str, Stage], finetuned: Mapping[str, Stage]) -> tuple[Row, ...]:
    """Pretraining and finetuning for each kernel of the parallel convs; what
    is finetuned has 3x3 kernels, or none."""
    return tuple(
        Row(f'kernel {kernel}', (stage, finetuned['0' if kernel == '0' else '3']))
        for kernel, stage in pretrained.items()
    )


NARROW = {'ViTAE-T': 'vitae', 'T2T-ViT-7': 't2t'}
TINY = {'ViTAE-T': 'vitae_t', 'T2T-ViT-7': 't2t_7'}
CELLS = {
    'baseline': '_baseline',
    'RC': '_reduction_cell_only',
    'NC': '_normal_cell_only',
    'RC and NC': '',
}
MAE, FINETUNE = 'configs/ssl/mae_vitae_b_1600e_in1k.py', 'configs/cls/vitae_b_mae_100e_in1k.py'
NO_PCM = 'model.backbone.pcm_kernel_size=0'
ATTENTION = {
    'P P P P': '_attention_pppp',
    'P P F F': '_attention_ppff',
    'F F F F': '_attention_ffff',
    'W F F F': '_attention_wfff',
    'W W F F': '',
    'W W W F': '_attention_wwwf',
    'W W W W': '_attention_wwww',
}
POSITION = {
    'neither': '',
    'shift': '_shift',
    'relative position': '_relative_position',
    'both': '_shift_relative_position',
}
CEIT_PARTS = {
    'none': '_all_off',
    'I2T': '_i2t_only',
    'LeFF': '_leff_only',
    'LCA': '_lca_only',
    'all': '',
}

EXPERIMENTS = dict(
    data_efficiency=Experiment(
        'ViTAE-T and T2T-ViT-7 on a part of the training images, at equal images seen',
        dict(
            mini=_curves(
                NARROW,
                {
                    20: 'mini/{}_6e_cifar10_2pct',
                    60: 'mini/{}_6e_cifar10_6pct',
                    100: 'mini/{}_6e_cifar10_10pct',
                },
                '%',
            ),
            gpu=_curves(
                TINY,
                {
                    20: 'gpu/{}_100e_cifar10_20pct',
                    60: 'gpu/{}_100e_cifar10_60pct',
                    100: 'gpu/{}_100e_cifar10',
                },
                '%',
            ),
            paper=_curves(
                TINY, {20: '{}_300e_in1k_20pct', 60: '{}_300e_in1k_60pct', 100: '{}_300e_in1k'}, '%'
            ),
        ),
        paper={'ViTAE-T, 100 %': 75.3},
        axis='training images (%)',
    ),
    training_efficiency=Experiment(
        'ViTAE-T and T2T-ViT-7 after trainings of several lengths',
        dict(
            mini=_curves(
                NARROW,
                {epochs: f'mini/{{}}_{epochs}e_cifar10_10pct' for epochs in (2, 4, 6)},
                'epochs',
            ),
            paper=_curves(TINY, {100: 'ablations/{}_100e_in1k', 300: '{}_300e_in1k'}, 'epochs'),
        ),
        paper={'ViTAE-T, 300 epochs': 75.3},
        axis='epochs',
    ),
    cells=Experiment(
        'Reduction cells (RC) and normal cells (NC) of ViTAE-T',
        dict(
            mini=_rows('mini/vitae_6e_cifar10_10pct{}', CELLS),
            gpu=_rows('gpu/vitae_t_100e_cifar10{}', CELLS),
            paper=_rows('ablations/vitae_t_100e_in1k{}', CELLS),
        ),
    ),
    attention=Experiment(
        'Attention of the four stages of ViTAEv2-S: window (W), full (F), Performer (P)',
        dict(
            mini=_rows('mini/vitaev2_5e_cifar10_10pct{}', ATTENTION),
            paper=_rows('ablations/vitaev2_s_100e_in1k{}', ATTENTION),
        ),
    ),
    window_position=Experiment(
        'Shifted windows and relative positions in ViTAEv2-S',
        dict(
            mini=_rows('mini/vitaev2_5e_cifar10_10pct{}', POSITION),
            paper=_rows('ablations/vitaev2_s_100e_in1k{}', POSITION),
        ),
    ),
    pretraining_kernel=Experiment(
        'Kernels of the parallel convs in masked pretraining: none (0), one token and 3x3 after '
        '(1 -> 3), 3x3 throughout (3)',
        dict(
            mini=_kernels(
                {
                    '0': Stage('configs/ssl/mini/mae_vitae_4e_cifar10_k0.py'),
                    '1 -> 3': Stage('configs/ssl/mini/mae_vitae_4e_cifar10.py'),
                    '3': Stage('configs/ssl/mini/mae_vitae_4e_cifar10_k3.py'),
                },
                {
                    '0': Stage('configs/cls/mini/vitae_k0_mae_6e_cifar10_10pct.py'),
                    '3': Stage('configs/cls/mini/vitae_mae_6e_cifar10_10pct.py'),
                },
            ),
            paper=_kernels(
                {
                    '0': Stage(MAE, (NO_PCM,)),
                    '1 -> 3': Stage(MAE),
                    '3': Stage(MAE, ('model.backbone.pcm_kernel_size=3',)),
                },
                {'0': Stage(FINETUNE, (NO_PCM,)), '3': Stage(FINETUNE)},
            ),
        ),
    ),
    ceit_parts=Experiment(
        "CeiT-T's image-to-tokens (I2T), local feed-forward (LeFF) and layer-wise class "
        'attention (LCA)',
        dict(
            mini=_rows('mini/ceit_6e_cifar10_10pct{}', CEIT_PARTS),
            gpu=_rows('gpu/ceit_t_100e_cifar10{}', CEIT_PARTS),
            paper=_rows(
                'ablations/ceit_t_100e_in1k{}',
                {
                    'none': '_all_off',
                    'I2T and LeFF': '_no_lca',
                    'I2T and LCA': '_plain_ffn',
                    'LeFF and LCA': '_no_conv',
                    'all': '',
                },
            ),
        ),
    ),
)
