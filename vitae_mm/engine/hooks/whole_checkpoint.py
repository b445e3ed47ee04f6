"""Writing checkpoints such that a killed run can always be resumed."""

from pathlib import Path
from typing import Any

from mmengine.dist import all_reduce_params, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.runner import Runner

from vitae_mm.io import write_atomically, write_text
from vitae_mm.registry import HOOKS

from .sync_averaged_buffers import average_averaged_buffers


class AtomicLocalBackend(LocalBackend):
    """Writes local files atomically."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        write_atomically(filepath, lambda temporary: temporary.write_bytes(obj))


class DeferredRemoval:
    """A file backend that records the paths to remove instead of removing them."""

    def __init__(self, backend: LocalBackend):
        self.backend = backend
        self.outdated: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.outdated.append(path)

    rmtree = remove


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """A :class:`CheckpointHook` whose runs can be resumed whenever they are killed.

    It writes a checkpoint atomically, then the file ``last_checkpoint`` with its path, and only
    then removes outdated checkpoints, which mmengine removes first. A kill in between leaves one
    more checkpoint than ``max_keep_ckpts``. Partly written files of a killed run are removed before
    training. A run that is resumed in another folder leaves the checkpoints in the first alone.

    In runs counted in iterations, batch norm statistics are averaged over all processes before a
    checkpoint is written, as mmengine's ``SyncBuffersHook`` does after epochs and before
    validations.
    """

    file_backend: Any

    def before_train(self, runner: Runner) -> None:
        register_backend('local', AtomicLocalBackend, force=True, prefixes='')
        super().before_train(runner)
        self._move(runner.message_hub)
        if is_main_process() and isinstance(self.file_backend, AtomicLocalBackend):
            for partial_file in Path(self.out_dir).glob('.*.tmp.pth'):
                partial_file.unlink()

    def _move(self, hub: MessageHub) -> None:
        """Replaces the folder in recorded paths, which mmengine would remove later."""
        for name, path in list(hub.runtime_info.items()):
            if path and (name == 'last_ckpt' or name.startswith('best_ckpt')):
                hub.update_info(name, self.file_backend.join_path(self.out_dir, Path(path).name))
        if self.save_best is None:
            return
        if len(self.key_indicators) == 1:
            self.best_ckpt_path = hub.get_info('best_ckpt')
        else:
            self.best_ckpt_path_dict = {
                key: hub.get_info(f'best_ckpt_{key}') for key in self.key_indicators
            }

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        if not self.by_epoch:
            all_reduce_params(runner.model.buffers(), op='mean')
            average_averaged_buffers(runner)
        outdated = []
        # a step is saved again if validation finds it to be the best
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                outdated.append(self._path(self.keep_ckpt_ids.popleft()))
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        self.last_ckpt = self._path(step)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            self.filename_tmpl.format(step),
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_text(Path(runner.work_dir) / 'last_checkpoint', self.last_ckpt)
            self._remove(outdated)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        backend = self.file_backend
        self.file_backend = deferred = DeferredRemoval(backend)
        super()._save_best_checkpoint(runner, metrics)
        self.file_backend = backend
        self._remove(deferred.outdated)

    def _path(self, step: int) -> str:
        return self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))

    def _remove(self, paths: list[str]) -> None:
        for path in paths:
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
            elif self.file_backend.isdir(path):
                self.file_backend.rmtree(path)
