"""Subclasses that users register in their own scope."""

import pytest
import torch
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import Registry

from vitae_mm.backbones import ViTAEv2
from vitae_mm.backbones.spec import ArchForm
from vitae_mm.checkpoints import identify_network, load_pretrained
from vitae_mm.errors import InputError

from ..helpers.archs import TWO_STAGES

MODELS = Registry('model', parent=MMENGINE_MODELS, scope='their_lab')


@MODELS.register_module()
class TheirBackbone(ViTAEv2):
    """Has the published networks."""


@MODELS.register_module()
class TheirNarrowBackbone(ViTAEv2):
    """Has its own network, and none of the published ones."""

    FORMS = (
        ArchForm(
            archs={'nano': TWO_STAGES},
            shared={
                key: value[:2]
                for key, value in ViTAEv2.FORMS[0].shared.items()
                if key not in TWO_STAGES
            },
            attention=('window', 'window'),
            reduction_attention=('window', 'window'),
        ),
    )


def test_it_is_built_from_another_scope():
    cfg = dict(type='their_lab.TheirBackbone', arch='small', out_indices=(0, 1))
    with torch.device('meta'):
        assert isinstance(MMENGINE_MODELS.build(cfg), TheirBackbone)
        assert isinstance(
            MMENGINE_MODELS.build(dict(type='their_lab.TheirNarrowBackbone', arch='nano')),
            TheirNarrowBackbone,
        )
    with pytest.raises(InputError, match=r"arch='small' is unknown: choose from \['nano'\]"):
        TheirNarrowBackbone('small')


def test_its_weights_are_recognized_as_those_of_the_published_network():
    with torch.device('meta'):
        state = TheirBackbone('48m').state_dict()
    assert str(identify_network(state)) == "ViTAEv2 '48m'"
    assert identify_network(TheirNarrowBackbone('nano').state_dict()) is None


def test_it_loads_what_the_network_saved(tmp_path):
    saved = ViTAEv2(TWO_STAGES).state_dict()
    torch.save(saved, tmp_path / 'a.pth')
    for model in (TheirBackbone(TWO_STAGES), TheirNarrowBackbone('nano')):
        load_pretrained(model, tmp_path / 'a.pth')
        assert all(torch.equal(value, saved[key]) for key, value in model.state_dict().items())


def test_errors_name_it(tmp_path):
    torch.save(ViTAEv2('small').state_dict(), tmp_path / 'a.pth')
    with pytest.raises(InputError) as error:
        load_pretrained(TheirBackbone('48m'), tmp_path / 'a.pth')
    assert 'does not fit TheirBackbone' in str(error.value)
    assert "It contains ViTAEv2 'small'; expected TheirBackbone '48m'." in str(error.value)
    with pytest.raises(InputError) as error:
        load_pretrained(TheirNarrowBackbone('nano'), tmp_path / 'a.pth')
    assert "expected TheirNarrowBackbone 'nano'." in str(error.value)
    with pytest.raises(InputError, match='TheirBackbone takes images of shape'):
        TheirBackbone(TWO_STAGES)(torch.rand(1, 4, 32, 32))


def test_its_checkpoints_are_converted(tmp_path, run_tool):
    tool, files = 'tools/convert_checkpoint.py', [tmp_path / f'{i}.pth' for i in range(3)]
    state = {f'backbone.{key}': v for key, v in TheirBackbone('small').state_dict().items()}
    torch.save(dict(state_dict=state), files[0])
    run_tool(tool, files[0], files[1], '--to-published')
    assert "ViTAEv2 'small', no classifier" in run_tool(tool, files[1], files[2])
    returned = torch.load(files[2], weights_only=True)['state_dict']
    assert all(torch.equal(returned[key], value) for key, value in state.items())
