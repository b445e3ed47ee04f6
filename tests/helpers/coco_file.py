"""A config's annotation file, to be spoiled."""

import json
import shutil
from pathlib import Path


def copy_annotations(cfg, folder: Path) -> None:
    """Gives the training data an annotation file of its own."""
    dataset = cfg.train_dataloader.dataset
    own = shutil.copy(Path(dataset.data_root) / dataset.ann_file, folder / 'ann.json')
    dataset.ann_file = str(own)


def change_annotations(cfg, edit) -> dict:
    """Has ``edit`` change the content of that file; returns the content."""
    path = Path(cfg.train_dataloader.dataset.ann_file)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return content
