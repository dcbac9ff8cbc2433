"""Cloud Storage's methods as gcloud's own client has them, which is generated from the discovery document."""

import re
import shutil
from pathlib import Path

import pytest

from trainshed.targets import storage_methods


@pytest.fixture(scope="module")
def published():
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        pytest.skip("gcloud is not installed")
    folder = Path(gcloud).resolve().parents[1] / "lib/googlecloudsdk/generated_clients/apis/storage/v1"
    if not folder.is_dir():
        pytest.skip("this gcloud keeps its clients elsewhere")
    text = (folder / "storage_v1_client.py").read_text()
    blocks = re.findall(
        r"http_method='(\w+)',\s+method_id='([\w.]+)',.*?query_params=\[(.*?)\],\s+relative_path='(.*?)'",
        text,
        re.DOTALL,
    )
    found = {name: (verb, path, set(re.findall(r"'(\w+)'", query))) for verb, name, query, path in blocks}
    return found, (folder / "storage_v1_messages.py").read_text()


@pytest.mark.parametrize("method", storage_methods.STORAGE, ids=lambda m: m.name)
def test_a_method_is_the_published_one(published, method):
    verb, path, query = published[0][method.name]

    assert (method.verb, method.template) == (verb, path)
    assert method.query <= query


@pytest.mark.parametrize(
    ("method", "message"), [("storage.buckets.insert", "Bucket"), ("storage.notifications.insert", "Notification")]
)
def test_fields_are_the_published_ones(published, method, message):
    body = re.search(rf"^class {message}\(.*?(?=^class )", published[1], re.DOTALL | re.MULTILINE)[0]
    names = set(re.findall(r"^  (\w+) = _messages", body, re.MULTILINE))
    found = next(m for m in storage_methods.STORAGE if m.name == method)

    assert found.fields <= names
