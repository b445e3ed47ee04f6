"""Comparisons of backbones on small datasets of one's own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vitae_mm.visualization.contact_sheet import evenly_spaced

from .experiment import Experiment, Metric, Row, Search, Training

BACKBONES = {'ViTAEv2-S': 'vitaev2_s', 'Swin-T': 'swin_t', 'ResNet-50': 'r50'}
PERCENTS = (20, 60, 100)
"""Shares of the training images."""
RATES = (3e-4, 1e-3, 3e-3)
"""Learning rates of AdamW to choose from, the same for all backbones and tasks."""
STARTING_RATES = (1e-4, *RATES)
"""Those for starting weights: trained weights may need a lower one."""
MIXED_PRECISION = 'optim_wrapper.type=vitae_mm.MixedPrecisionOptimWrapper'
"""bfloat16, which takes two thirds of the time on CPUs that compute in it."""
CIFAR_10 = 'work_dirs/vitaev2_s_64_4e_cifar10/epoch_4.pth'
SHAPES = 'work_dirs/vitaev2_s_4e_shapes/epoch_4.pth'
"""Checkpoints that trainings start from, in the default work dirs of configs/own_data."""
VALIDATIONS = 6
"""Number of validations during a training; a search has one at its end."""


@dataclass(frozen=True)
class Task:
    """A dataset with its networks.

    Attributes:
        title: What is compared.
        config: Path of the configs, with a field for the backbone.
        images: Number of training images.
        batch: Number of images in a step.
        epochs: Number of epochs with all training images, as in the configs.
        metric: The score.
        mae_checkpoint: Checkpoint of masked pretraining on the training images.
        held_out: Options that turn the validation set into the training set.
    """

    title: str
    config: str
    images: int
    batch: int
    epochs: int
    metric: Metric
    mae_checkpoint: str
    held_out: tuple[str, ...]

    def experiment(self) -> Experiment:
        """Returns the comparisons of backbones by share of the training images, and of starting
        weights with all of them."""
        backbones = {label: self._training(name) for label, name in BACKBONES.items()}
        vitaev2, vitae = self._training('vitaev2_s'), self._training('vitae_192')
        starts = {
            'ViTAEv2-S': vitaev2,
            'ViTAEv2-S after CIFAR-10': vitaev2.start_from(CIFAR_10),
            'ViTAEv2-S after the demo shapes': vitaev2.start_from(SHAPES),
            'narrow ViTAE': vitae,
            'narrow ViTAE after MAE': vitae.start_from(self.mae_checkpoint),
        }
        return Experiment(
            self.title,
            dict(
                own_data=tuple(
                    Row(
                        f'{label}, {percent} %',
                        (self._on(training, self._share(percent)),),
                        series=label,
                        x=percent,
                        search=self._search(label, training),
                    )
                    for percent in PERCENTS
                    for label, training in backbones.items()
                ),
                starting_weights=tuple(
                    Row(
                        label,
                        (self._on(training, self._share(100)),),
                        search=self._search(label, training, STARTING_RATES),
                    )
                    for label, training in starts.items()
                ),
            ),
            axis='training images (%)',
            metric=self.metric,
        )

    def _training(self, network: str) -> Training:
        return Training(self.config.format(network), (MIXED_PRECISION,))

    def _search(self, name: str, training: Training, rates: tuple[float, ...] = RATES) -> Search:
        """The training on two of three images, for half the number of steps, tested on the
        others."""
        held_out = range(2, self.images, 3)
        chosen = [i for i in range(self.images) if i not in held_out]
        options = [
            f'{loader}_dataloader.dataset.{option}'
            for loader in ('val', 'test')
            for option in (*self.held_out, f'indices={_listed(held_out)}')
        ]
        shorter = self._on(training, chosen, length=0.5, validations=1)
        return Search(name, shorter.but(*options), rates)

    def _share(self, percent: int) -> list[int]:
        """Chooses a share of the training images, evenly spaced in their order."""
        return evenly_spaced(self.images, round(self.images * percent / 100))

    def _on(
        self,
        training: Training,
        chosen: Sequence[int],
        length: float = 1,
        validations: int = VALIDATIONS,
    ) -> Training:
        """Returns the training on some images, for ``length`` times the usual number of steps."""
        steps = length * self.epochs * (self.images // self.batch)
        epochs = round(steps / (len(chosen) // self.batch))
        interval = math.ceil(epochs / validations)
        return training.but(
            f'train_dataloader.dataset.indices={_listed(chosen)}',
            f'train_cfg.max_epochs={epochs}',
            f'train_cfg.val_interval={interval}',
            f'default_hooks.checkpoint.interval={interval}',
        )


def _listed(indices: Sequence[int]) -> str:
    return f'[{",".join(map(str, indices))}]'


TASKS = dict(
    droplets=Task(
        'Instances: droplets under a microscope, box AP',
        'configs/own_data/mask_rcnn_{}_20e_droplets.py',
        images=60,
        batch=4,
        epochs=20,
        metric=Metric('coco/bbox_mAP', 'box AP (%)', factor=100, empty=0),
        mae_checkpoint='work_dirs/mae_vitae_192_200e_droplets/epoch_200.pth',
        held_out=('ann_file=train.json', 'data_prefix.img=train/'),
    ),
    camvid=Task(
        'Class maps: street scenes, mIoU',
        'configs/own_data/upernet_{}_8e_camvid.py',
        images=367,
        batch=4,
        epochs=8,
        metric=Metric('mIoU', 'mIoU (%)'),
        mae_checkpoint='work_dirs/mae_vitae_192_33e_camvid/epoch_33.pth',
        held_out=(
            'data_prefix.img_path=images/train',
            'data_prefix.seg_map_path=annotations/train',
        ),
    ),
    openfield=Task(
        'Keypoints: a mouse seen from above, PCK at 5 % of the box',
        'configs/own_data/simple_baseline_{}_45e_openfield.py',
        images=92,
        batch=8,
        epochs=45,
        metric=Metric('PCK', 'PCK@0.05 (%)', factor=100),
        mae_checkpoint='work_dirs/mae_vitae_192_130e_openfield/epoch_130.pth',
        held_out=('ann_file=train.json', 'data_prefix.img=train/'),
    ),
)

EXPERIMENTS = {name: task.experiment() for name, task in TASKS.items()}
