import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from helpers.archs import TWO_STAGES as ARCH

from vitae_mm.backbones import ViTAEv2
from vitae_mm.errors import InputError



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


def test_stages_that_are_not_built_are_left_aside(tmp_path):
    source = ViTAEv2(ARCH).state_dict()
    model = ViTAEv2(ARCH, out_indices=(0, ), init_cfg=save(tmp_path / 'a.pth', source))
    model.init_weights()
    assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())


def test_a_deeper_checkpoint_is_an_error(tmp_path):
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
        gone = ViTAEv2(ARCH, init_cfg=dict(type='Pretrained', checkpoint=f'{address}/b.pth'))
        with pytest.raises(InputError, match='b.pth cannot be downloaded'):
            gone.init_weights()
        server.shutdown()
    assert all(torch.equal(value, source[key]) for key, value in model.state_dict().items())


def test_a_checkpoint_of_another_model_is_an_error(tmp_path):
    cfg = save(tmp_path / 'a.pth', {'layer1.0.conv1.weight': torch.zeros(1)})
    model = ViTAEv2(ARCH, init_cfg=cfg)
    with pytest.raises(InputError) as error:
        model.init_weights()
    count = len(model.state_dict())
    for words in (f'0 of {count} keys matched', f'{count} missing', '1 unexpected',
                  'layer1.0.conv1.weight', 'stages.0', 'convert_checkpoint.py'):
        assert words in str(error.value)


def test_a_checkpoint_of_another_width_names_shapes(tmp_path):
    other = ViTAEv2({**ARCH, 'dims': (8, 32)}).state_dict()
    model = ViTAEv2(ARCH, init_cfg=save(tmp_path / 'a.pth', other))
    with pytest.raises(InputError, match=r'of another shape: .*\(32.*for \(16'):
        model.init_weights()
