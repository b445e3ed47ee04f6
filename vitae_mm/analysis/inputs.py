"""Images as a network takes them, of a config's test set or of a folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DATASETS, DefaultScope
from torch import Tensor, nn

from vitae_mm.engine.config import innermost, reads_files
from vitae_mm.engine.preflight import check_data
from vitae_mm.errors import InputError
from vitae_mm.visualization.media import IMAGES, read_image


class FolderImages(Sequence):
    """The images of a folder and those below, after a pipeline.

    Args:
        folder (Path): Where they are.
        pipeline (Compose): Reads a file, and packs what a model takes.

    Raises:
        InputError: If there are none; when one is asked for, if it cannot be
            decoded.
    """

    def __init__(self, folder: Path, pipeline: Compose):
        self.files = find_images(folder)
        self.pipeline = pipeline

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Mapping:
        read_image(self.files[index])  # names a file that the pipeline would stumble over
        return self.pipeline(dict(img_path=str(self.files[index]), img_id=index))


def find_images(folder: Path) -> list[Path]:
    """The images of a folder and those below, by name.

    Raises:
        InputError: If there are none.
    """
    files = [
        file
        for file in sorted(folder.rglob('*'))
        if file.suffix.lower() in IMAGES and not file.name.startswith('.')
    ]
    if not files:
        raise InputError(
            f'the folder {folder} holds no images ({" ".join(IMAGES)}): give another one.'
        )
    return files


def open_images(cfg: Config, folder: Path | None = None) -> Sequence[Mapping]:
    """Images after the config's test pipeline.

    Args:
        cfg: After :func:`vitae_mm.engine.models.prepare_config`.
        folder: Where they are. Defaults to the config's test set.

    Raises:
        InputError: If there are none, or, for a folder, if the pipeline does
            not read files or asks for boxes.
    """
    if folder is None:
        check_data(cfg, ('test',))
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            return DATASETS.build(cfg.test_dataloader.dataset)
    if cfg.default_scope == 'mmpose':
        raise InputError(
            f'folder {folder}: pose estimation looks into boxes, which a folder of '
            "images does not have; leave it out to take the config's test set."
        )
    steps = next(innermost(cfg.test_dataloader)).pipeline
    if not reads_files(steps):
        raise InputError(
            f"folder {folder}: the config's test pipeline reads no files, its data "
            'set does; leave it out to take that.'
        )
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return FolderImages(folder, Compose(steps))


def network_input(model: nn.Module, item: Mapping) -> Tensor:
    """An image of :func:`open_images` as the model's preprocessor leaves it,
    (1, C, H, W), on the model's device."""
    return model.data_preprocessor(pseudo_collate([item]), False)['inputs']
