"""iNaturalist 2018 and 2019 for classification."""

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

    as ``INaturalist(data_root='data/inat2018', ann_file='train2018.json')``. There are 8142 classes
    in 2018 and 1010 in 2019, ordered by category id.

    Args:
        ann_file: JSON file with the lists ``images`` (id, file_name), ``annotations`` (image_id,
            category_id) and ``categories`` (id, name).
        data_prefix: Folder of the images, to which the file names are relative; they start with
            ``train_val2018/``. Defaults to ``data_root``.

    Other arguments are those of mmpretrain's ``BaseDataset``.

    Raises:
        InputError: If a list is missing, an image has no category in the file, or the number of
            given ``classes`` differs from the number of categories.
    """

    def load_data_list(self) -> list[dict]:
        """Returns ``img_path`` and ``gt_label`` of each image."""
        content = load(self.ann_file)
        if not isinstance(content, dict):
            content = {}
        missing = [key for key in LISTS if not isinstance(content.get(key), list)]
        if missing:
            raise InputError(
                f'INaturalist: {self.ann_file} lacks the lists {missing}: give a training or '
                'validation file; test files have no labels.'
            )
        names = {category['id']: category['name'] for category in content['categories']}
        labels = {category: label for label, category in enumerate(sorted(names))}
        classes = self._metainfo.setdefault('classes', tuple(names[key] for key in labels))
        if len(classes) != len(labels):
            raise InputError(
                f'INaturalist: {len(classes)} classes are given, but {self.ann_file} has '
                f'{len(labels)} categories: remove classes.'
            )
        categories = {entry['image_id']: entry['category_id'] for entry in content['annotations']}
        data_list = []
        for image in content['images']:
            category = categories.get(image['id'])
            if category not in labels:
                raise InputError(
                    f'INaturalist: the image {image["file_name"]} of {self.ann_file} has category '
                    f'{category}, which is not in the file: download it again.'
                )
            path = join_path(self.img_prefix, image['file_name'])
            data_list.append(dict(img_path=path, gt_label=labels[category]))
        return data_list
