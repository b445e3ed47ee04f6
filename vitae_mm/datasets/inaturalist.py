"""iNaturalist 2018 and 2019, for classification."""

from mmengine.fileio import join_path, load
from mmpretrain.datasets import BaseDataset

from vitae_mm.errors import InputError
from vitae_mm.registry import DATASETS

LISTS = ('images', 'annotations', 'categories')


@DATASETS.register_module()
class INaturalist(BaseDataset):
    """Reads the published files (https://github.com/visipedia/inat_comp)::

        data/inat2018/
            train2018.json  val2018.json
            train_val2018/Aves/2761/*.jpg

    as ``INaturalist(data_root='data/inat2018', ann_file='train2018.json')``.
    8142 classes in 2018, 1010 in 2019, numbered in the order of the
    categories' ids.

    Args:
        ann_file: JSON with lists ``images`` (id, file_name), ``annotations``
            (image_id, category_id) and ``categories`` (id, name).
        data_prefix: Folder of the images, if not ``data_root``; the file names
            begin with ``train_val2018/``.

    The others are those of mmpretrain's ``BaseDataset``.

    Raises:
        InputError: If the file lacks one of the lists, an image has no
            category of the file, or ``classes`` are given and not as many.
    """

    def load_data_list(self) -> list[dict]:
        """``img_path`` and ``gt_label`` of each image."""
        content = load(self.ann_file)
        absent = [
            key
            for key in LISTS
            if not isinstance(content, dict) or not isinstance(content.get(key), list)
        ]
        if absent:
            raise InputError(
                f'INaturalist: {self.ann_file} has no list {absent}: give a '
                'training or validation file; test files have no labels.'
            )
        names = {category['id']: category['name'] for category in content['categories']}
        labels = {identity: label for label, identity in enumerate(sorted(names))}
        classes = self._metainfo.setdefault('classes', tuple(names[key] for key in labels))
        if len(classes) != len(labels):
            raise InputError(
                f'INaturalist: {len(classes)} classes are given, but {self.ann_file} '
                f'has {len(labels)} categories: leave classes out.'
            )
        categories = {
            annotation['image_id']: annotation['category_id']
            for annotation in content['annotations']
        }
        return [
            dict(
                img_path=join_path(self.img_prefix, image['file_name']),
                gt_label=self._label(image, categories, labels),
            )
            for image in content['images']
        ]

    def _label(self, image: dict, categories: dict[int, int], labels: dict[int, int]) -> int:
        category = categories.get(image['id'])
        if category not in labels:
            raise InputError(
                f'INaturalist: the image {image["file_name"]} of {self.ann_file} has '
                f'category {category}, which is not in the file: download it again.'
            )
        return labels[category]
