"""Changing the annotation file of a config."""

import json
import shutil
from pathlib import Path


def copy_annotations(cfg, folder: Path) -> None:
    """Copies the annotation file of the training data."""
    dataset = cfg.train_dataloader.dataset
    own = shutil.copy(Path(dataset.data_root) / dataset.ann_file, folder / 'ann.json')
    dataset.ann_file = str(own)


def change_annotations(cfg, edit) -> dict:
    """Lets ``edit`` change the content of the file, and returns the content."""
    path = Path(cfg.train_dataloader.dataset.ann_file)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return content
