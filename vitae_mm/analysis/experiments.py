"""The papers' experiments: the rows that each compares, and their trainings."""

from collections.abc import Mapping

from vitae_mm.errors import InputError

from . import own_data, papers
from .experiment import Experiment, Row, Training

PRESETS = dict(
    mini='narrow networks on a tenth of CIFAR-10, for two CPU cores',
    gpu='CIFAR-10 at 32x32, for one GPU',
    own_data='three backbones from scratch on small data for dense tasks, for two CPU cores',
    starting_weights='small data for dense tasks, with and without pretraining, for two CPU cores',
    paper='ImageNet: prints the commands, runs nothing',
)


def find_rows(name: str, preset: str) -> tuple[Row, ...]:
    """Returns the rows of an experiment in a preset.

    Raises:
        InputError: If the experiment does not exist, or does not have the preset.
    """
    if name not in EXPERIMENTS:
        raise InputError(f'experiment {name!r} is unknown: choose from {list(EXPERIMENTS)}.')
    presets = EXPERIMENTS[name].presets
    if preset not in presets:
        raise InputError(
            f'experiment {name} has no preset {preset!r}: choose from {list(presets)}.'
        )
    return presets[preset]


def _rows(training: Training, backbones: Mapping[str, str]) -> tuple[Row, ...]:
    """Returns a row for each label: the training with these options of the backbone."""
    return tuple(
        Row(label, (training.with_backbone(options),)) for label, options in backbones.items()
    )


def _curves(
    vitae: Training, t2t: Training, changes: Mapping[int, tuple[str, ...]], unit: str
) -> tuple[Row, ...]:
    """Returns a row for each x, first of ViTAE-T and then of T2T-ViT-7: the training with the
    options of x."""
    return tuple(
        Row(f'{series}, {x} {unit}', (training.but(*options),), series=series, x=x)
        for series, training in (('ViTAE-T', vitae), ('T2T-ViT-7', t2t))
        for x, options in changes.items()
    )


def _kernels(pretraining: Training, finetuning: Training) -> tuple[Row, ...]:
    """Returns a row for each kernel of the parallel convs in pretraining; finetuning has 3x3, or
    none after a pretraining without parallel convs."""
    none, three = 'pcm_kernel_size=0', 'pcm_kernel_size=3'
    return (
        Row('kernel 0', (pretraining.with_backbone(none), finetuning.with_backbone(none))),
        Row('kernel 1 -> 3', (pretraining, finetuning)),
        Row('kernel 3', (pretraining.with_backbone(three), finetuning)),
    )


VITAE_T = Training('configs/cls/vitae_t_300e_in1k.py')
T2T_7 = Training('configs/cls/t2t_7_300e_in1k.py')
VITAE_T_SUBSET = Training('configs/cls/vitae_t_300e_in1k_subset.py')
T2T_7_SUBSET = Training('configs/cls/t2t_7_300e_in1k_subset.py')
# ablations of ViTAE and ViTAEv2 train for 100 epochs, those of CeiT for 300
EPOCHS_100 = 'train_cfg.max_epochs=100'
VITAE_T_100E = VITAE_T.but(EPOCHS_100)
VITAEV2_S_100E = Training('configs/cls/vitaev2_s_300e_in1k.py').but(EPOCHS_100)
CEIT = {size: Training(f'configs/cls/ceit_{size.lower()}_300e_in1k.py') for size in 'TSB'}
# the shape of T2T-ViT-7 at 32x32, as in configs/_base_/backbones/t2t_7_32.py
T2T = (
    'dilations=[[1],[1],[1]] reduction_pcm=False pcm_kernel_size=0 class_token=True '
    'position=sinusoid final_norm=tokens out_type=cls_token img_size=32'
)
VITAE_GPU = Training('configs/cifar10/vitae_t_32_100e_cifar10.py')
CEIT_GPU = Training('configs/cifar10/ceit_t_32_100e_cifar10.py')
VITAE_MINI = Training('configs/cifar10/vitae_mini_6e_cifar10_10pct.py')
T2T_MINI = VITAE_MINI.with_backbone(T2T)
VITAEV2_MINI = Training('configs/cifar10/vitaev2_mini_5e_cifar10_10pct.py')
CEIT_MINI = Training('configs/cifar10/ceit_mini_6e_cifar10_10pct.py')

FRACTIONS = {
    percent: (f'train_dataloader.dataset.fraction={percent / 100}',) for percent in (20, 60, 100)
}
LENGTHS = {
    epochs: (f'train_cfg.max_epochs={epochs}', f'train_cfg.val_interval={epochs}')
    for epochs in (2, 4, 6)
}
LONG = 'train_cfg.max_epochs=40', 'train_cfg.val_interval=5'
PAPER_LENGTHS = {100: (EPOCHS_100,), 200: ('train_cfg.max_epochs=200',), 300: ()}
CELLS = {
    'baseline': 'dilations=[[1],[1],[1]] reduction_pcm=False pcm_kernel_size=0',
    'RC': 'pcm_kernel_size=0',
    'NC': 'dilations=[[1],[1],[1]] reduction_pcm=False',
    'RC and NC': '',
}
NO_PARALLEL_CONVS = 'reduction_pcm=False pcm_kernel_size=0'
DILATIONS = {
    '1, 1, 1': 'dilations=[[1],[1],[1]]',
    '12, 12, 12': 'dilations=[[1,2],[1,2],[1,2]]',
    '123, 123, 123': 'dilations=[[1,2,3],[1,2,3],[1,2,3]]',
    '1234, 1234, 1234': 'dilations=[[1,2,3,4],[1,2,3,4],[1,2,3,4]]',
    '12345, 12345, 12345': 'dilations=[[1,2,3,4,5],[1,2,3,4,5],[1,2,3,4,5]]',
    '1234, 123, 12': '',
}
# in normal cells
PARALLEL_CONVS = {
    'none': 'pcm_kernel_size=0',
    'before the FFN': '',
    'before the FFN, no batch norm': 'norm_cfg=None',
    'after the FFN': 'pcm_fusion=after_ffn',
    'after the FFN, no batch norm': 'pcm_fusion=after_ffn norm_cfg=None',
}
HEADS = {
    'mean of tokens': '',
    'class token': 'class_token=True position=sinusoid final_norm=tokens out_type=cls_token',
}
# window (W), full (F), Performer (P)
KINDS = dict(W='window', F='full', P='performer')
ATTENTION = {
    stages: 'attention=[{0}] reduction_attention=[{0}]'.format(
        ','.join(KINDS[kind] for kind in stages.split())
    )
    for stages in ('P P P P', 'P P F F', 'F F F F', 'W F F F', 'W W F F', 'W W W F', 'W W W W')
}
POSITION = {
    'neither': '',
    'shift': 'shift_window=True',
    'relative position': 'relative_position=True',
    'both': 'shift_window=True relative_position=True',
}
CEIT_PARTS = {
    'none': 'stem_conv=False leff_kernel_size=0 lca=False',
    'I2T': 'leff_kernel_size=0 lca=False',
    'LeFF': 'stem_conv=False lca=False',
    'LCA': 'stem_conv=False leff_kernel_size=0',
    'all': '',
}
IMAGE_TO_TOKENS = {
    '16x16 patches': 'stem_conv=False',
    '64 channels': '',
    '64 channels, no max-pooling': 'stem_pool=False',
    '32 channels': 'stem_channels=32',
    '32 channels, no batch norm': 'stem_channels=32 stem_norm=False',
}
LOCAL_FEED_FORWARD = {
    'plain FFN': 'leff_kernel_size=0',
    '3x3': '',
    '5x5': 'leff_kernel_size=5',
    '1x1, no batch norm': 'leff_kernel_size=1 leff_norm=False',
    '3x3, no batch norm': 'leff_norm=False',
    '5x5, no batch norm': 'leff_kernel_size=5 leff_norm=False',
}

EXPERIMENTS = dict(
    data_efficiency=Experiment(
        'ViTAE-T and T2T-ViT-7 on fractions of the training images, for the same number of images '
        'seen',
        dict(
            mini=_curves(VITAE_MINI, T2T_MINI, FRACTIONS, unit='%'),
            gpu=_curves(VITAE_GPU, VITAE_GPU.with_backbone(T2T), FRACTIONS, unit='%'),
            paper=_curves(
                VITAE_T_SUBSET.but(EPOCHS_100), T2T_7_SUBSET.but(EPOCHS_100), FRACTIONS, unit='%'
            ),
        ),
        paper=papers.DATA_EFFICIENCY,
        axis='training images (%)',
    ),
    training_efficiency=Experiment(
        'ViTAE-T and T2T-ViT-7 after training for different numbers of epochs',
        dict(
            mini=_curves(VITAE_MINI, T2T_MINI, LENGTHS, unit='epochs'),
            paper=_curves(VITAE_T, T2T_7, PAPER_LENGTHS, unit='epochs'),
        ),
        paper=papers.TRAINING_EFFICIENCY,
        axis='epochs',
    ),
    cells=Experiment(
        'Reduction cells (RC) and normal cells (NC) of ViTAE-T',
        dict(
            mini=_rows(VITAE_MINI, CELLS),
            gpu=_rows(VITAE_GPU, CELLS),
            paper=_rows(VITAE_T_100E, CELLS),
        ),
        paper=papers.CELLS,
    ),
    dilations=Experiment(
        'Dilations of the three reductions of ViTAE-T, without parallel convs',
        dict(paper=_rows(VITAE_T_100E.with_backbone(NO_PARALLEL_CONVS), DILATIONS)),
        paper=papers.DILATIONS,
    ),
    parallel_convs=Experiment(
        'Parallel convs in the normal cells of ViTAE-T, with single dilations: where they are '
        'added, and their batch norm',
        dict(paper=_rows(VITAE_T_100E.with_backbone(CELLS['NC']), PARALLEL_CONVS)),
        paper=papers.PARALLEL_CONVS,
    ),
    head=Experiment(
        "ViTAE-T's head: the mean of tokens, or the paper's class token with sinusoids and norm",
        dict(paper=_rows(VITAE_T_100E, HEADS)),
    ),
    plateau=Experiment(
        'ViTAE-T and T2T-ViT-7 after 40 epochs',
        dict(
            mini=(
                Row('ViTAE-T', (VITAE_MINI.but(*LONG),)),
                Row('T2T-ViT-7', (T2T_MINI.but(*LONG),)),
            )
        ),
    ),
    attention=Experiment(
        'Attention of the four stages of ViTAEv2-S: window (W), full (F), Performer (P)',
        dict(mini=_rows(VITAEV2_MINI, ATTENTION), paper=_rows(VITAEV2_S_100E, ATTENTION)),
        paper=papers.ATTENTION,
    ),
    window_position=Experiment(
        'Shifted windows and relative positions in ViTAEv2-S',
        dict(mini=_rows(VITAEV2_MINI, POSITION), paper=_rows(VITAEV2_S_100E, POSITION)),
        paper=papers.WINDOW_POSITION,
    ),
    pretraining_kernel=Experiment(
        'Kernels of the parallel convs in masked pretraining: no convs (0), 1x1 and then 3x3 in '
        'finetuning (1 -> 3), 3x3 in both (3)',
        dict(
            mini=_kernels(
                Training('configs/cifar10/mae_vitae_32_mini_4e_cifar10.py'),
                Training('configs/cifar10/vitae_32_mini_6e_cifar10_10pct.py'),
            ),
            paper=_kernels(
                Training('configs/ssl/mae_vitae_l_1600e_in1k.py', ('train_cfg.max_epochs=400',)),
                Training('configs/cls/vitae_l_mae_50e_in1k.py'),
            ),
        ),
        paper=papers.PRETRAINING_KERNEL,
    ),
    ceit_parts=Experiment(
        "CeiT-T's image-to-tokens (I2T), local feed-forward (LeFF) and layer-wise class "
        'attention (LCA)',
        dict(
            mini=_rows(CEIT_MINI, CEIT_PARTS),
            gpu=_rows(CEIT_GPU, CEIT_PARTS),
            paper=_rows(CEIT['T'], CEIT_PARTS),
        ),
        paper=papers.CEIT_PARTS,
    ),
    image_to_tokens=Experiment(
        "Channels, batch norm and max-pooling of CeiT-T's image-to-tokens, without its other parts",
        dict(paper=_rows(CEIT['T'].with_backbone(CEIT_PARTS['I2T']), IMAGE_TO_TOKENS)),
        paper=papers.IMAGE_TO_TOKENS,
    ),
    local_feed_forward=Experiment(
        "Kernel and batch norm of CeiT-T's local feed-forward (LeFF), without its other parts",
        dict(paper=_rows(CEIT['T'].with_backbone(CEIT_PARTS['LeFF']), LOCAL_FEED_FORWARD)),
        paper=papers.LOCAL_FEED_FORWARD,
    ),
    convergence=Experiment(
        'CeiT and DeiT, which is CeiT without its parts, after 100 epochs',
        dict(
            paper=tuple(
                Row(f'{network}-{size}', (training.but(EPOCHS_100).with_backbone(options),))
                for network, options in (('CeiT', ''), ('DeiT', CEIT_PARTS['none']))
                for size, training in CEIT.items()
            )
        ),
        paper=papers.CONVERGENCE,
    ),
    **own_data.EXPERIMENTS,
)
