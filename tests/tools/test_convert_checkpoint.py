import pytest
import torch
from helpers import golden

from helpers.commands import complaint, run

TOOL = 'tools/convert_checkpoint.py'


@pytest.fixture(scope='module')
def weights():
    return golden.published_weights('ViTAEv2_S')


def convert(src, dst, *options):
    return run('python', TOOL, src, dst, *options)


@pytest.mark.parametrize('wrap', [
    lambda state: state,
    lambda state: dict(epoch=1, state_dict={}, state_dict_ema={
        f'module.{key}': value for key, value in state.items()}),
], ids=['bare', 'ema'])
def test_a_published_file_is_recognised(weights, tmp_path, wrap):
    torch.save(wrap(weights), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert done.returncode == 0, done.stderr
    assert "vitaev2, arch 'small', classifier of 1000 classes" in done.stdout
    converted = torch.load(tmp_path / 'b.pth', weights_only=True)
    assert converted['meta']['arch'] == 'small'
    assert torch.equal(converted['state_dict']['head.fc.bias'], weights['head.bias'])


def test_a_file_without_classifier_is_recognised(tmp_path):
    torch.save(dict(model=golden.published_weights('ViTAEv2_S_dense')), tmp_path / 'a.pth')
    done = convert(tmp_path / 'a.pth', tmp_path / 'b.pth')
    assert 'no classifier; wrappers taken off: model;' in done.stdout


@pytest.mark.slow
def test_refusals_leave_no_file(weights, tmp_path):
    src, dst = tmp_path / 'a.pth', tmp_path / 'b.pth'
    cases = [
        ({**weights, 'layers.9.odd.weight': torch.ones(1)}, 'layers.9.odd.weight'),
        ({key: value for key, value in weights.items() if 'layers.2.NC.7' not in key}, 'missing'),
        ({**weights, 'layers.0.RC.PCM.0.bias': torch.ones(3)}, '(3,) for (64,)'),
        ({**weights, 'layers.2.NC.8.norm1.bias': torch.ones(256)}, 'cells.8.norm1.bias'),
    ]
    for state, words in cases:
        torch.save(state, src)
        assert words in complaint(convert(src, dst))
        assert not dst.exists()
    src.write_bytes(src.read_bytes()[:1000])
    assert 'truncated' in complaint(convert(src, dst))
    dst.write_text('mine')
    assert 'exists' in complaint(convert(src, dst))
    assert dst.read_text() == 'mine'
