from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from vitae_mm.io import write_atomically
from vitae_mm.registry import HOOKS


class WholeFileBackend(LocalBackend):
    """Writes local files whole or not at all."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        write_atomically(filepath, lambda temporary: temporary.write_bytes(obj))


class LateRemoval:
    """A file backend that puts off what it shall remove."""

    def __init__(self, backend: LocalBackend):
        self.backend = backend
        self.outdated = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.outdated.append(path)

    rmtree = remove


@HOOKS.register_module()
class WholeCheckpointHook(CheckpointHook):
    """A :class:`CheckpointHook` after which a run can be resumed whenever it
    was killed.

    A checkpoint, and then the mark ``last_checkpoint`` that names it, appears
    whole or not at all; only then are outdated ones removed, where mmengine
    begins with that. A kill between the two leaves one more checkpoint than
    ``max_keep_ckpts``. What a kill left half written is removed as training
    begins.
    """

    def before_train(self, runner: Runner) -> None:
        register_backend('local', WholeFileBackend, force=True, prefixes='')
        super().before_train(runner)
        if is_main_process() and isinstance(self.file_backend, WholeFileBackend):
            for remnant in Path(self.out_dir).glob('.*.tmp.pth'):
                remnant.unlink()

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = []
        # a step is saved once more if validation finds that it is the best
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
            write_atomically(
                Path(runner.work_dir) / 'last_checkpoint',
                lambda temporary: temporary.write_text(self.last_ckpt),
            )
            self._remove(outdated)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        backend = self.file_backend
        self.file_backend = LateRemoval(backend)
        super()._save_best_checkpoint(runner, metrics)
        outdated, self.file_backend = self.file_backend.outdated, backend
        self._remove(outdated)

    def _path(self, step: int) -> str:
        return self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))

    def _remove(self, paths: list[str]) -> None:
        for path in paths:
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
            elif self.file_backend.isdir(path):
                self.file_backend.rmtree(path)
