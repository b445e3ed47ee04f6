"""Masked pretraining and finetuning: networks, recipes, and one step of each."""

import copy

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS

from vitae_mm.selfsup import MaskedViTAE

from ..helpers.config_files import build, distinct, learning_rates, of_task, read, steps

PRETRAINING = of_task('ssl')
FINETUNING = [name for name in of_task('cls') if '_mae_' in name]
# fmt: off
RECIPES = {
    # width, cells, finetuning epochs, learning rate, its decay, drop path
    'b': (768,  12, 100, 2e-3, .65, .1),
    'l': (1024, 24, 50,  4e-3, .75, .2),
    'h': (1280, 32, 50,  4e-3, .75, .3),
}
# fmt: on
GPUS = 8
models = pytest.mark.parametrize('model', RECIPES)


def marked(name):
    """Marks large networks, whose steps are slow."""
    kind = pytest.mark.exhaustive if '_h_' in name or '_l_' in name else pytest.mark.slow
    return pytest.param(name, marks=kind) if 'demo' not in name else name


def test_networks_are_distinguished_by_encoder_and_classes():
    assert len(distinct(PRETRAINING)) == 4 and len(distinct(FINETUNING)) == 6


@pytest.mark.parametrize('name', map(marked, distinct(PRETRAINING)))
def test_autoencoders_take_a_step(name):
    cfg = read(name)
    size = cfg.model.backbone.get('img_size', 224)
    batch = dict(
        inputs=torch.randint(0, 255, (2, 3, size, size), dtype=torch.uint8),
        data_samples=[None, None],
    )
    features = steps(
        cfg, batch, dict(inputs=batch['inputs'].float(), data_samples=None), predict=features_of
    )
    width = cfg.model.neck.embed_dim
    assert features[0].shape[:2] == (2, width)


def features_of(model, batch):
    return model.extract_feat(batch['inputs'])


@pytest.mark.parametrize('name', map(marked, distinct(FINETUNING)))
def test_finetuned_networks_take_a_step(name):
    from mmpretrain.structures import DataSample

    cfg = read(name)
    classes = cfg.model.head.num_classes
    samples = [DataSample().set_gt_label(label) for label in (0, classes - 1)]
    images = [torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8)] * 2
    predictions = steps(cfg, dict(inputs=images, data_samples=samples))
    assert predictions[0].pred_score.shape == (classes,)


@models
@pytest.mark.parametrize('epochs', [400, 1600])
def test_pretraining_recipes_match_the_paper(model, epochs, tmp_path):
    cfg = read(f'ssl/mae_vitae_{model}_1600e_in1k.py')
    if epochs == 400:
        cfg.train_cfg.max_epochs = 400  # the option that the config mentions
    backbone, neck, head = cfg.model.backbone, cfg.model.neck, cfg.model.head
    assert (backbone.mask_ratio, head.norm_pix, head.loss.criterion) == (0.75, True, 'L2')
    assert neck.embed_dim == RECIPES[model][0]
    assert (neck.decoder_embed_dim, neck.decoder_depth, neck.decoder_num_heads) == (512, 8, 16)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.betas, optimizer.weight_decay) == ('AdamW', (0.9, 0.95), 0.05)
    assert optimizer.lr == pytest.approx(1.5e-4 * 4096 / 256)
    images = cfg.train_dataloader.batch_size * cfg.optim_wrapper.get('accumulative_counts', 1)
    assert cfg.auto_scale_lr.base_batch_size == GPUS * images == 4096
    crop, flip = cfg.train_dataloader.dataset.pipeline[1:3]
    assert (crop.scale, crop.crop_ratio_range, crop.interpolation) == (224, (0.2, 1.0), 'bicubic')
    assert flip.prob == 0.5
    rates = learning_rates(cfg, tmp_path, epoch_length=2)
    assert len(rates) == epochs and rates[40, 0] == pytest.approx(optimizer.lr)
    assert (rates[1:40, 0] > rates[:39, 0]).all() and (rates[41:, 0] < rates[40:-1, 0]).all()
    assert rates[-1, -1] < 1e-7


def test_pretraining_decays_only_weights():
    cfg = read('ssl/mae_vitae_demo_20e_shapes.py')
    network = build(cfg)
    wrapper = build_optim_wrapper(network, cfg.optim_wrapper)
    decays = {
        id(p): group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    for name, p in network.named_parameters():
        if p.requires_grad:
            exempt = p.ndim == 1 or name.endswith('_token')
            assert decays[id(p)] == (0 if exempt else 0.05), name


@models
def test_finetuning_recipes_match_the_paper(model, tmp_path):
    width, _, epochs, rate, decay, drop_path = RECIPES[model]
    cfg = read(f'cls/vitae_{model}_mae_{epochs}e_in1k.py')
    backbone, optimizer = cfg.model.backbone, cfg.optim_wrapper.optimizer
    assert (cfg.model.head.in_channels, backbone.drop_path_rate) == (width, drop_path)
    assert backbone.drop_rate == 0 and backbone.out_type == 'avg_featmap'
    assert backbone.init_cfg.checkpoint == (
        f'work_dirs/mae_vitae_{model}_1600e_in1k/epoch_1600.pth'
    )
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', rate, 0.05)
    assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == decay
    assert cfg.auto_scale_lr.base_batch_size == GPUS * cfg.train_dataloader.batch_size == 1024
    assert cfg.model.head.init_cfg.std == 2e-5
    assert not cfg.get('custom_hooks')
    rates = learning_rates(without_layers(cfg), tmp_path, epoch_length=2)
    assert len(rates) == epochs and rates[5, 0] == pytest.approx(rate)
    assert (rates[6:, 0] < rates[5:-1, 0]).all()
    assert cfg.param_scheduler[1].eta_min == 1e-6 <= rates[-1, -1] < rate / 1000


def without_layers(cfg):
    cfg = copy.deepcopy(cfg)
    cfg.optim_wrapper.constructor = 'vitae_mm.MergedOptimWrapperConstructor'
    cfg.optim_wrapper.pop('paramwise_cfg')
    return cfg


@models
def test_learning_rates_decay_towards_the_first_layer(model):
    _, depth, epochs, rate, decay, _ = RECIPES[model]
    cfg = read(f'cls/vitae_{model}_mae_{epochs}e_in1k.py')
    with torch.device('meta'):
        network = build(cfg)
    wrapper = build_optim_wrapper(network, cfg.optim_wrapper)
    groups = {id(p): group for group in wrapper.optimizer.param_groups for p in group['params']}
    names = dict(network.named_parameters())
    for i in range(depth):
        group = groups[id(names[f'backbone.stages.0.cells.{i}.attn.qkv.weight'])]
        assert group['lr'] == pytest.approx(rate * decay ** (depth - i))
        assert group['weight_decay'] == 0.05
    assert groups[id(names['head.fc.weight'])]['lr'] == pytest.approx(rate)
    exempt = groups[id(names['backbone.stages.0.embedding.position'])]
    assert exempt['weight_decay'] == 0
    assert exempt['lr'] == pytest.approx(rate * decay ** (depth + 1))


@models
def test_finetuning_via_imagenet_22k(model):
    epochs = RECIPES[model][2]
    intermediate = read(f'cls/vitae_{model}_mae_90e_in22k.py')
    assert (
        intermediate.model.head.num_classes == intermediate.data_preprocessor.num_classes == 21841
    )
    assert intermediate.train_dataloader.dataset.type == 'ImageNet21k'
    assert intermediate.train_cfg.max_epochs == 90
    last = read(f'cls/vitae_{model}_mae_in22k_{epochs}e_in1k.py')
    direct = read(f'cls/vitae_{model}_mae_{epochs}e_in1k.py')
    assert last.model.backbone.init_cfg.checkpoint == (
        f'work_dirs/vitae_{model}_mae_90e_in22k/epoch_90.pth'
    )
    last.model.backbone.init_cfg = direct.model.backbone.init_cfg
    assert last.to_dict() == direct.to_dict()


@models
@pytest.mark.parametrize('percent', [1, 10])
def test_training_on_few_labels_takes_as_many_steps(model, percent):
    epochs = RECIPES[model][2]
    whole, part = (read(f'cls/vitae_{model}_mae_{epochs}e_in1k{end}.py') for end in ('', '_subset'))
    assert part.train_dataloader.dataset.fraction == 0.1
    part.merge_from_dict({'train_dataloader.dataset.fraction': percent / 100})
    subset, inner = part.train_dataloader.pop('dataset'), whole.train_dataloader.pop('dataset')
    assert subset == dict(
        type='vitae_mm.StratifiedSubset', fraction=percent / 100, seed=0, dataset=inner
    )
    assert part.to_dict() == whole.to_dict()


@pytest.mark.slow
def test_pose_estimators_load_a_pretrained_encoder(tmp_path):
    torch.manual_seed(0)
    encoder = MaskedViTAE('base')
    encoder.init_weights()
    torch.save(
        dict(state_dict={f'backbone.{key}': value for key, value in encoder.state_dict().items()}),
        tmp_path / 'a.pth',
    )
    cfg = read('pose/simple_baseline_vitae_b_210e_coco.py')
    cfg.model.backbone.init_cfg.checkpoint = str(tmp_path / 'a.pth')
    backbone = MODELS.build(cfg.model.backbone)
    backbone.init_weights()
    cells = zip(backbone.stages[0].cells, encoder.stages[0].cells, strict=True)
    for own, learned in cells:
        assert torch.equal(own.attn.qkv.weight, learned.attn.qkv.weight)
        assert torch.equal(own.pcm.conv1.weight[..., 1, 1], learned.pcm.conv1.weight[..., 0, 0])
    assert backbone(torch.rand(1, 3, 256, 192))[0].shape == (1, 768, 16, 12)
