from argparse import Namespace
from pathlib import Path

import pytest

from vitae_mm.engine.cli import check_device, check_plot_path, name_models
from vitae_mm.errors import InputError


@pytest.mark.parametrize('name', ['curves', 'curves.tmp', 'figures/'])
def test_a_plot_needs_the_suffix_of_a_picture(name):
    check_plot_path(Path('curves.PNG'))
    with pytest.raises(InputError, match=rf'{Path(name)}: give a file name that ends in \.png or'):
        check_plot_path(Path(name))


def test_models_are_named_after_their_configs_or_by_labels():
    args = Namespace(config='a.py', checkpoint='a.pth', compare=[['b.py', 'b.pth']], labels=None)
    assert name_models(args) == {'a': ('a.py', 'a.pth'), 'b': ('b.py', 'b.pth')}
    args.labels = ['ours', 'theirs']
    assert list(name_models(args)) == ['ours', 'theirs']
    for labels in (['ours'], ['ours', 'ours']):
        args.labels = labels
        with pytest.raises(InputError, match='one unique label per model in --labels, 2 in total'):
            name_models(args)


def test_a_missing_device_is_reported():
    check_device('cpu')
    with pytest.raises(InputError, match='--device cuda:77: not available on this machine'):
        check_device('cuda:77')
