from types import SimpleNamespace

from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.hooks import FuseHook

from ...helpers.archs import TWO_STAGES


def test_a_fused_copy_is_tested_and_the_model_restored():
    model = ViTAEv2(TWO_STAGES)
    runner = SimpleNamespace(model=model)
    hook = FuseHook()
    hook.before_test(runner)
    assert runner.model is not model and not runner.model.training
    assert not any(isinstance(module, _BatchNorm) for module in runner.model.modules())
    hook.after_test(runner)
    assert runner.model is model
    assert any(isinstance(module, _BatchNorm) for module in model.modules())
