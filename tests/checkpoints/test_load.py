import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from mmpretrain.models import VisionTransformer
from torch import nn
from torch.nn import functional as F

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.checkpoints import check_match, load_pretrained
from vitae_mm.errors import InputError

from ..helpers.archs import BLOCKS, PATCH, PYRAMID
from ..helpers.archs import TWO_STAGES as ARCH


def save(path, state, **wrapper):
    torch.save(dict(state_dict=state, **wrapper), path)
    return dict(type='Pretrained', checkpoint=str(path))


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_pretrained_weights_are_loaded(tmp_path, prefix):
    source = ViTAEv2(ARCH).state_dict()
    state = {prefix + key: value for key, value in source.items()}
    if prefix:
        state['head.fc.weight'] = torch.zeros(3)
    model = ViTAEv2(ARCH, init_cfg=save(tmp_path / 'a.pth', state))
    model.init_weights()
    assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())


def test_stages_that_are_not_built_are_ignored(tmp_path):
    source = ViTAEv2(ARCH).state_dict()
    model = ViTAEv2(ARCH, out_indices=(0,), init_cfg=save(tmp_path / 'a.pth', source))
    model.init_weights()
    assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())


def test_a_deeper_checkpoint_is_rejected(tmp_path):
    deeper = ViTAEv2({**ARCH, 'depths': (1, 2)}).state_dict()
    model = ViTAEv2(ARCH, init_cfg=[save(tmp_path / 'a.pth', deeper)])
    with pytest.raises(InputError, match='unexpected: stages.1.cells.1'):
        model.init_weights()


def test_a_checkpoint_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    source = ViTAEv2(ARCH).state_dict()
    save(tmp_path / 'a.pth', source)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_port}'
        model = ViTAEv2(ARCH, init_cfg=dict(type='Pretrained', checkpoint=f'{address}/a.pth'))
        model.init_weights()
        (tmp_path / 'other').mkdir()
        another = ViTAEv2(ARCH)
        save(tmp_path / 'other' / 'a.pth', another.state_dict())
        namesake = ViTAEv2(
            ARCH, init_cfg=dict(type='Pretrained', checkpoint=f'{address}/other/a.pth')
        )
        namesake.init_weights()
        gone = ViTAEv2(ARCH, init_cfg=dict(type='Pretrained', checkpoint=f'{address}/b.pth'))
        with pytest.raises(InputError, match='b.pth cannot be downloaded'):
            gone.init_weights()
        server.shutdown()
    assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())
    assert all(
        torch.equal(value, another.state_dict()[key])
        for key, value in namesake.state_dict().items()
    )


def test_a_checkpoint_of_another_model_is_rejected(tmp_path):
    cfg = save(tmp_path / 'a.pth', {'layer1.0.conv1.weight': torch.zeros(1)})
    model = ViTAEv2(ARCH, init_cfg=cfg)
    with pytest.raises(InputError) as error:
        model.init_weights()
    count = len(model.state_dict())
    for words in (
        f'0 of {count} keys matched',
        f'{count} missing',
        '1 unexpected',
        'layer1.0.conv1.weight',
        'stages.0',
        'convert_checkpoint.py',
    ):
        assert words in str(error.value)


def test_shapes_of_another_width_are_reported(tmp_path):
    other = ViTAEv2({**ARCH, 'dims': (8, 32)}).state_dict()
    model = ViTAEv2(ARCH, init_cfg=save(tmp_path / 'a.pth', other))
    with pytest.raises(InputError, match=r'of another shape: .*\(32.*for \(16'):
        model.init_weights()


@pytest.mark.parametrize('network, arch', [(ViTAE, PATCH), (CeiT, BLOCKS)])
def test_position_embeddings_of_another_image_size_are_resized(tmp_path, network, arch):
    source = network(arch, img_size=64).state_dict()
    model = network(arch, img_size=(96, 48), init_cfg=save(tmp_path / 'a.pth', source))
    model.init_weights()
    key = 'stages.0.embedding.position'
    grid = source[key][:, 1:].reshape(1, 4, 4, -1).permute(0, 3, 1, 2)
    wanted = F.interpolate(grid, size=(6, 3), mode='bicubic').flatten(2).transpose(1, 2)
    loaded = model.state_dict()[key]
    assert torch.equal(loaded[:, :1], source[key][:, :1])
    assert torch.allclose(loaded[:, 1:], wanted)
    assert all(
        torch.equal(value, source[name])
        for name, value in model.state_dict().items()
        if name != key
    )


@pytest.mark.parametrize(
    'shape, words', [((1, 17, 8), 'same channels'), ((1, 16, 16), 'square grid and a class token')]
)
def test_position_embeddings_that_cannot_be_resized_are_rejected(tmp_path, shape, words):
    state = {**ViTAE(PATCH).state_dict(), 'stages.0.embedding.position': torch.zeros(shape)}
    model = ViTAE(PATCH, init_cfg=save(tmp_path / 'a.pth', state))
    with pytest.raises(InputError, match=words):
        model.init_weights()


def test_entries_for_classifiers_are_ignored_by_dense_backbones(tmp_path):
    source = CeiT(BLOCKS, out_type='cls_token').state_dict()
    assert any(key.startswith('class_attention.') for key in source) and 'norm.weight' in source
    model = CeiT(BLOCKS, init_cfg=save(tmp_path / 'a.pth', source))
    model.init_weights()
    assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())


def test_entries_for_classifiers_are_ignored_by_dense_models():
    source = CeiT(BLOCKS, out_type='cls_token').state_dict()
    model = torch.nn.ModuleDict(dict(backbone=CeiT(BLOCKS)))
    check_match(model, {f'backbone.{key}': value for key, value in source.items()}, 'a.pth')


@pytest.mark.parametrize(
    'saved, model, words',
    [
        (ViTAE('6m'), ViTAE('tiny'), "It contains ViTAE '6m'; expected ViTAE 'tiny'."),
        (CeiT('tiny'), ViTAEv2('small'), "It contains CeiT 'tiny'; expected ViTAEv2 'small'."),
        (
            ViTAE('tiny'),
            ViTAE(PYRAMID),
            "It contains ViTAE 'tiny'; expected a ViTAE with a custom arch",
        ),
        (
            ViTAEv2('small'),
            ViTAEv2('48m', out_indices=(0, 1)),
            "It contains ViTAEv2 'small'; expected ViTAEv2 '48m'.",
        ),
    ],
    ids=['arch', 'network', 'custom', 'part'],
)
def test_the_variant_in_a_checkpoint_is_reported(tmp_path, saved, model, words):
    path = tmp_path / 'a.pth'
    torch.save(saved.state_dict(), path)
    with pytest.raises(InputError) as error:
        load_pretrained(model, path)
    assert words in str(error.value)


def test_a_checkpoint_of_a_published_network_is_named_for_other_backbones():
    with torch.device('meta'):
        source = CeiT('tiny').state_dict()
    model = torch.nn.ModuleDict(dict(backbone=torch.nn.Conv2d(3, 3, 1)))
    with pytest.raises(InputError, match=r"It contains CeiT 'tiny'; expected Conv2d\."):
        check_match(model, {f'backbone.{key}': value for key, value in source.items()}, 'a.pth')


def test_networks_that_adapt_some_entries_must_match_in_the_others():
    tiny, small = (VisionTransformer(f'deit-{size}', img_size=32) for size in ('tiny', 'small'))
    with pytest.raises(InputError, match='149 of another shape, 0 unexpected'):
        check_match(tiny, small.state_dict(), 'a.pth')
    larger = VisionTransformer('deit-tiny', img_size=64).state_dict()
    assert larger['pos_embed'].shape != tiny.state_dict()['pos_embed'].shape
    check_match(tiny, larger, 'a.pth')


def test_values_that_are_not_finite_are_refused():
    module = nn.Linear(2, 2)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    state['bias'][1] = float('inf')
    with pytest.raises(
        InputError, match='checkpoint a: 1 of 2 entries .* not finite, such as bias'
    ):
        check_match(module, state, 'checkpoint a')
    with torch.device('meta'):
        check_match(nn.Linear(2, 2), nn.Linear(2, 2).state_dict(), 'checkpoint a')


def test_infinite_values_of_masks_are_accepted():
    module = nn.Linear(2, 2)
    module.register_buffer('mask', torch.tensor([0.0, -float('inf')]))
    check_match(module, module.state_dict(), 'checkpoint a')
