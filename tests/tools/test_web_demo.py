"""tools/web_demo.py in headless Chromium, with small models."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.web.uploads import NO_IMAGE

from ..helpers import training
from ..helpers.commands import ROOT, complaint, env, run

TOOL = 'tools/web_demo.py'
PATIENCE = 120
"""Seconds that an answer may take on a busy machine."""


def test_a_missing_package_is_named(run_tool, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(InputError, match=r'pip install -r requirements/web\.txt'):
        run_tool(TOOL, 'config.py', 'checkpoint.pth')


@pytest.fixture(scope='module')
def models(data, tmp_path_factory):
    """Config and checkpoint of a classifier, of a detector, and of another classifier."""
    if not importlib.util.find_spec('gradio'):
        pytest.skip('gradio is missing: pip install -r requirements/web.txt')
    folder = tmp_path_factory.mktemp('models')
    files = []
    for name, write in dict(
        cls=training.write_classifier, det=training.write_detector, other=training.write_classifier
    ).items():
        config = write(folder / f'{name}.py', data)
        torch.save(build_model(Config.fromfile(config)).state_dict(), folder / f'{name}.pth')
        files.append([str(config), str(folder / f'{name}.pth')])
    return files


@pytest.fixture(scope='module')
def server(models, tmp_path_factory):
    """The address of a server with these models."""
    folder = tmp_path_factory.mktemp('web')
    (folder / 'tmp').mkdir()
    process = subprocess.Popen(
        [sys.executable, TOOL, *models[0], '--compare', *models[1], '--compare', *models[2]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=env(TMPDIR=str(folder / 'tmp'), no_proxy='127.0.0.1'),
    )
    try:
        yield next(
            filter(None, (re.search(r'http://127\.0\.0\.1:\d+/', x) for x in process.stdout))
        )[0]
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert not [path for path in (folder / 'tmp').rglob('*') if path.is_file()]
    finally:
        process.kill()


class Visitor:
    """A browser that shows the page."""

    def __init__(self, address):
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage'):
            options.add_argument(argument)
        options.add_argument('--window-size=1280,1600')
        options.set_capability('goog:loggingPrefs', dict(performance='ALL'))
        service = webdriver.ChromeService(shutil.which('chromedriver'))
        self.browser = webdriver.Chrome(options, service)
        self.browser.get(address)
        self.wait(lambda: self.text('status-0'))

    def find(self, selector):
        return self.browser.find_elements('css selector', selector)

    def text(self, element):
        return ' '.join(found.text for found in self.find(f'#{element}'))

    def picture(self, element):
        """Width, height and address of a picture; None while there is none."""
        for image in self.find(f'#{element} img'):
            size = [image.get_property('naturalWidth'), image.get_property('naturalHeight')]
            if size[0]:
                return *size, image.get_attribute('src')
        return None

    def upload(self, path):
        self.find('#upload input[type=file]')[0].send_keys(str(path))

    def wait(self, condition):
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.wait import WebDriverWait

        ignored = [StaleElementReferenceException, IndexError]
        wait = WebDriverWait(self.browser, PATIENCE, ignored_exceptions=ignored)
        return wait.until(lambda _: condition())

    def hosts(self):
        """The servers that the page has asked for something."""
        messages = [
            json.loads(e['message'])['message'] for e in self.browser.get_log('performance')
        ]
        urls = [
            message['params']['request']['url']
            for message in messages
            if message['method'] == 'Network.requestWillBeSent'
        ]
        return {url for found in urls for url in re.findall('^https?://[^/]*/', found)}


@pytest.fixture(scope='module')
def open_page(server):
    pytest.importorskip('selenium', reason='selenium is missing: pip install selenium')
    for program, package in (('chromium', 'chromium'), ('chromedriver', 'chromium-driver')):
        if not shutil.which(program):
            pytest.skip(f'{program} is missing: apt-get install {package}')
    visitors = []

    def make():
        visitors.append(Visitor(server))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.browser.quit()


@pytest.fixture
def visitor(open_page):
    return open_page()


@pytest.fixture
def explained(visitor, tmp_path):
    """A visitor who has uploaded an image."""
    visitor.upload(write_image(tmp_path / 'wide.png', 48, 96))
    visitor.wait(lambda: 'row' in visitor.text('cell-1'))
    return visitor


def write_image(path, height, width):
    pixels = np.random.RandomState(0).randint(0, 256, (height, width, 3), np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


@pytest.mark.slow
def test_an_image_is_explained(explained, server):
    for number, score in enumerate([r'class \d\s+\d+%', r'1\. \w+\s+\d+%']):
        assert explained.picture(f'prediction-{number}')[:2] == (672, 336)
        assert re.search(r'\d ms per image, \d+ ms of it', explained.text(f'status-{number}'))
        assert re.search(score, explained.text(f'scores-{number}'))
    assert explained.picture('activation-0')[:2] == (320, 320)
    assert explained.picture('attention-0')[:2] == (320, 320)
    assert explained.hosts() == {server}


@pytest.mark.slow
def test_a_clicked_cell_shows_its_attention(explained):
    from selenium.webdriver import ActionChains

    visitor, before = explained, explained.picture('attention-0')
    assert 'row 3 of 4, column 3 of 4' in visitor.text('cell-0')
    image = visitor.find('#attention-0 img')[0]
    side = image.size['height']
    # a tenth of the picture from its top, three tenths left of its center
    # the wheel of ActionChains may still be scrolling when it clicks
    visitor.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", image)
    ActionChains(visitor.browser).move_to_element_with_offset(
        image, round(-0.3 * side), round(-0.4 * side)
    ).click().perform()
    visitor.wait(lambda: 'row 1 of 4, column 1 of 4' in visitor.text('cell-0'))
    assert visitor.wait(lambda: visitor.picture('attention-0') != before)


@pytest.mark.slow
def test_unusable_files_are_answered(visitor, tmp_path):
    assert 'Drop an image' in visitor.text('status-0')
    (tmp_path / 'text.png').write_text('a text')
    Image.new('1', (10_000, 10_000)).save(tmp_path / 'large.png')
    for name, message in (
        ('text.png', 'This file is not an image'),
        ('large.png', 'This image of 10000x10000 pixels has more than 50 megapixels'),
    ):
        visitor.upload(tmp_path / name)
        visitor.wait(lambda message=message: message in visitor.text('status-1'))
        assert not visitor.picture('prediction-0')
        remove = visitor.find('#upload button[aria-label="Remove Image"]')[0]
        visitor.browser.execute_script('arguments[0].click()', remove)
        visitor.wait(lambda: 'Drop an image' in visitor.text('status-1'))


@pytest.mark.slow
def test_two_visitors_keep_their_own_results(open_page, tmp_path):
    visitors = open_page(), open_page()
    for visitor, name, size in zip(visitors, ('wide', 'tall'), ((40, 80), (80, 40)), strict=True):
        visitor.upload(write_image(tmp_path / f'{name}.png', *size))
    for visitor, size in zip(visitors, ((640, 320), (320, 640)), strict=True):
        for number in (0, 1):
            visitor.wait(lambda: 'row' in visitor.text(f'cell-{number}'))  # noqa: B023
            assert visitor.picture(f'prediction-{number}')[:2] == size
    addresses = [visitor.picture('prediction-0')[2] for visitor in visitors]
    assert addresses[0] != addresses[1]


@pytest.mark.slow
def test_a_third_model_is_chosen_in_a_column(explained):
    visitor, before = explained, explained.picture('prediction-0')[2]
    choice = visitor.find('input[aria-label=model]')[0]
    choice.click()
    options = visitor.wait(lambda: visitor.find('ul[role=listbox] li'))
    assert [option.get_attribute('aria-label') for option in options] == ['cls', 'det', 'other']
    options[2].click()
    visitor.wait(lambda: (visitor.picture('prediction-0') or [before])[-1] != before)
    assert choice.get_attribute('value') == 'other'


@pytest.mark.slow
def test_a_port_in_use_is_named(server, models):
    port = re.search(r':(\d+)/', server)[1]
    done = run(sys.executable, TOOL, *models[0], '--port', port)
    assert f'--host 127.0.0.1 --port {port}: cannot listen there' in complaint(done)


def ask(address, data=None):
    """Status and body of an answer; ``data`` is sent as JSON, or as it is if it is of bytes."""
    request = urllib.request.Request(address)
    if isinstance(data, dict):
        request.add_header('Content-Type', 'application/json')
        data = json.dumps(data).encode()
    elif data:
        request.add_header('Content-Type', 'multipart/form-data; boundary=part')
    try:
        with urllib.request.urlopen(request, data, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.slow
def test_no_other_files_are_read(server):
    for path in (ROOT / 'docs/figures/growth.png', '/etc/hostname', 'https://192.0.2.1/image.png'):
        assert ask(f'{server}gradio_api/file={path}')[0] == 403
        # gradio itself checks only the first
        for mark in (dict(meta=dict(_type='gradio.FileData')), dict(meta=dict(_type='x')), {}):
            event = dict(data=[dict(path=str(path), **mark), 'cls'], fn_index=0, session_hash='abc')
            assert ask(f'{server}gradio_api/queue/join', event)[0] == 200
            _, answer = ask(f'{server}gradio_api/queue/data?session_hash=abc')
            assert '"success":false' in answer or NO_IMAGE in answer
            assert '.webp' not in answer and '/file=' not in answer


@pytest.mark.slow
def test_large_files_are_refused(server):
    head = b'--part\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    status, _ = ask(f'{server}gradio_api/upload', head + bytes(33 * 2**20) + b'\r\n--part--\r\n')
    assert status == 413
