"""The page: an image at the left, and a column for each of the compared models.

Visitors share nothing but the models, which serve one event at a time. Of a visitor, only the
clicked place is kept: each event reads the uploaded file again.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import gradio as gr
import safehttpx
from gradio.utils import get_upload_folder, is_in_or_equal

from vitae_mm.errors import InputError

from .network import Network
from .uploads import MAX_FILE_SIZE, NO_IMAGE, UploadError, open_upload

MAX_COLUMNS = 2
MAX_VISITORS = 100
"""Number of visitors whose clicked places are kept."""

CACHE_SECONDS = 3600
"""How long uploaded images and pictures are kept."""

MEAN = 'mean'

TITLE = 'vitae_mm'
INTRODUCTION = f"""\
# {TITLE}
Drop an image to see what the model predicts, which parts of the image the prediction comes from, \
and where its attention looks."""
ACTIVATION = """\
### Class activation
The parts of the image that the predicted class comes from, from red (most important) to blue. \
For detectors and pose estimators, Eigen-CAM shows where the maps of the backbone are strong.

The image is drawn as the model sees it. Each picture is scaled to its own maximum."""
ATTENTION = """\
### Attention
**Click a place in the picture.** The colors show how much the cell in the white frame attends to \
each cell, from red (most) to blue.

Layers are listed in the order of the network: deeper ones have fewer, larger cells. In a layer \
with windows, a cell attends within its window only."""

Upload = Mapping[str, Any] | None
"""Gradio's description of an uploaded file, as the visitor sends it."""


class View(NamedTuple):
    """What a visitor sees of the attention.

    Attributes:
        place: The clicked place, as fractions of the height and the width of the picture.
        size: Height and width of the picture.
    """

    place: tuple[float, float]
    size: tuple[int, ...]


def serve(
    networks: Mapping[str, Network], *, host: str = '127.0.0.1', port: int | None = None
) -> None:
    """Serves the page until it is interrupted.

    Args:
        networks: The models, by label.
        host: Address to listen at. Defaults to '127.0.0.1', which only this machine reaches.
        port: Defaults to the first free one from 7860.

    Raises:
        InputError: If the address or the port cannot be used.
    """
    with private_gradio():
        page = build_page(networks).queue(api_open=False)
        try:
            _, url, _ = page.launch(
                server_name=host,
                server_port=port,
                share=False,
                max_file_size=MAX_FILE_SIZE,
                state_session_capacity=MAX_VISITORS,
                enable_monitoring=False,
                mcp_server=False,
                ssr_mode=False,
                footer_links=[],
                theme=gr.themes.Default(font=['system-ui', 'sans-serif'], font_mono='monospace'),
                prevent_thread_lock=True,
                quiet=True,
            )
        except (OSError, OverflowError) as error:
            raise InputError(
                f'--host {host} --port {port}: cannot listen there ({error}); give an address of '
                'this machine and a free port.'
            ) from error
        # which would leave the visitors' files behind
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        print(f'open {url} in a browser; Ctrl+C ends the server', flush=True)
        page.block_thread()


@contextmanager
def private_gradio() -> Iterator[None]:
    """Lets gradio neither connect to other machines nor leave files behind."""
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    os.environ['GRADIO_RUN_HISTORY'] = 'False'  # it can store images at Hugging Face
    # otherwise, gradio fetches URLs for visitors
    safehttpx.get = safehttpx.async_validate_url = refuse_url
    with TemporaryDirectory() as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        yield


async def refuse_url(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError(f'{url} is not fetched.')


def build_page(networks: Mapping[str, Network]) -> gr.Blocks:
    """Builds the page for models by label, of which up to two are shown side by side."""
    views = Views(networks)
    options: dict[str, Any] = dict(
        concurrency_id='models',
        concurrency_limit=1,
        trigger_mode='always_last',
        api_visibility='private',
        preprocess=False,  # gradio would decode images of any size
    )
    choices = []
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(CACHE_SECONDS, CACHE_SECONDS)
    ) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            upload = gr.Image(label='your image', sources=['upload', 'clipboard'], elem_id='upload')
            for number, label in enumerate(list(networks)[:MAX_COLUMNS]):
                with gr.Column():
                    choice = gr.Dropdown(list(networks), value=label, label='model')
                    picture = result('prediction', number)
                    status = gr.Markdown(NO_IMAGE, elem_id=f'status-{number}')
                    scores = gr.Label(
                        label='scores', show_heading=False, elem_id=f'scores-{number}'
                    )
                choices.append(choice)
                gr.on(
                    [upload.change, choice.input],
                    views.predict,
                    [upload, choice],
                    [picture, status, scores],
                    **options,
                )
        with gr.Row():
            gr.Markdown(ACTIVATION)
            for number, choice in enumerate(choices):
                with gr.Column():
                    picture = result('activation', number)
                    caption = gr.Markdown()
                gr.on(
                    [upload.change, choice.input],
                    views.explain,
                    [upload, choice],
                    [picture, caption],
                    **options,
                )
        with gr.Row():
            gr.Markdown(ATTENTION)
            for number, choice in enumerate(choices):
                with gr.Column():
                    picture = result('attention', number)
                    caption = gr.Markdown(elem_id=f'cell-{number}')
                    with gr.Row():
                        layer = gr.Dropdown([], label='layer', elem_id=f'layer-{number}')
                        head = gr.Dropdown([], label='head', elem_id=f'head-{number}')
                    view = gr.State()
                inputs = [upload, choice, layer, head, view]
                outputs = [picture, caption, layer, head, view]
                gr.on(
                    [upload.change, choice.input, layer.input, head.input],
                    views.attend,
                    inputs,
                    outputs,
                    **options,
                )
                picture.select(views.click, inputs, outputs, **options)
    return page


def result(name: str, number: int) -> gr.Image:
    """Makes the picture of a result in a column."""
    return gr.Image(
        show_label=False,  # it would cover what is drawn in the corner
        interactive=False,
        format='png',
        buttons=['download', 'fullscreen'],
        elem_id=f'{name}-{number}',
    )


class Views:
    """Computes what the page shows, or the sentence that says why there is nothing to show."""

    def __init__(self, networks: Mapping[str, Network]):
        self.networks = networks

    def predict(self, upload: Upload, label: str) -> tuple:
        """Returns picture, status and scores."""
        network = self.networks[label]
        try:
            with open_upload(path_of(upload)) as path:
                found = network.predict(path)
        except InputError as error:
            return None, str(error), None
        status = f'**{milliseconds(found.seconds)} per image**'
        if found.model_seconds:
            status += f', {milliseconds(found.model_seconds)} of it in the model'
        return found.picture, f'{status} ({network.device})', found.scores or None

    def explain(self, upload: Upload, label: str) -> tuple:
        """Returns picture and caption."""
        try:
            with open_upload(path_of(upload)) as path:
                return self.networks[label].explain(path)
        except UploadError:  # which the prediction reports
            return None, ''
        except InputError as error:
            return None, str(error)

    def attend(
        self, upload: Upload, label: str, layer: str | None, head: int | None, view: View | None
    ) -> tuple:
        """Returns picture, caption, the choices of layer and head, and what is viewed."""
        network = self.networks[label]
        if layer not in network.layers:  # of another model
            layer, head = network.default_layer, 0
        place = view.place if view else (0.5, 0.5)
        layers = gr.Dropdown(network.layers, value=layer)
        try:
            with open_upload(path_of(upload)) as path:
                shown = network.attend(path, layer=layer, head=head or 0, place=place)
        except InputError as error:
            reason = '' if isinstance(error, UploadError) else str(error)
            return None, reason, layers, gr.Dropdown(), None
        heads = [(MEAN, 0), *((f'head {i}', i) for i in range(1, shown.heads + 1))]
        return (
            shown.picture,
            shown.caption,
            layers,
            gr.Dropdown(heads, value=shown.head),
            View(place, shown.picture.shape[:2]),
        )

    def click(
        self,
        upload: Upload,
        label: str,
        layer: str | None,
        head: int | None,
        view: View | None,
        event: gr.SelectData,
    ) -> tuple:
        """Like :meth:`attend`, for the clicked place."""
        if view is None:  # too many visitors came since
            return self.attend(upload, label, layer, head, None)
        x, y = event.index
        height, width = view.size
        return self.attend(upload, label, layer, head, View((y / height, x / width), view.size))


def path_of(upload: Upload) -> str | None:
    """Returns the path of an uploaded file; None if there is none.

    Gradio checks paths only in descriptions that carry a certain mark, which a visitor can omit.

    Raises:
        UploadError: If the file was not uploaded.
    """
    path = (upload or {}).get('path')
    if path and not is_in_or_equal(path, get_upload_folder()):
        raise UploadError(NO_IMAGE)
    return path


def milliseconds(seconds: float) -> str:
    return f'{1000 * seconds:,.0f} ms'
