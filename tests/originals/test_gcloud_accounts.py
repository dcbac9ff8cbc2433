"""gcloud's projects, services and service accounts; and a key file that Google's clients take."""

import shutil
import sys

import pytest

from trainshed.testing import server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed"),
]

_ROBOT = "robot-1@local-project.iam.gserviceaccount.com"
_SDK = """
import sys
from google.cloud import pubsub_v1
publisher = pubsub_v1.PublisherClient.from_service_account_file(sys.argv[1])
print(publisher.create_topic(name="projects/local-project/topics/made-by-robot").name)
"""
_SCRIPT = f"""
set -e
gcloud config set project local-project
gcloud services enable pubsub.googleapis.com
gcloud iam service-accounts create robot-1 --display-name Robot
gcloud iam service-accounts list --format 'value(email,displayName)'
gcloud projects add-iam-policy-binding local-project --member serviceAccount:{_ROBOT} --role roles/pubsub.publisher
gcloud iam service-accounts keys create "$1/key.json" --iam-account {_ROBOT}
"$2" -c '{_SDK}' "$1/key.json"
if gcloud iam service-accounts create Robot; then exit 9; fi
"""


@pytest.fixture
def trainshed(make_home):
    with server(make_home()) as running:
        yield running


def test_s55_a_service_account_made_by_gcloud_has_a_key_that_the_clients_take(trainshed, tmp_path):
    done = trainshed.run("exec", "--", "bash", "-c", _SCRIPT, "script", str(tmp_path), sys.executable)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{_ROBOT}\tRobot" in done.stdout
    assert "roles/pubsub.publisher" in done.stdout
    assert "projects/local-project/topics/made-by-robot" in done.stdout
    assert "accountId: 'Robot' is not 6 to 30 lower-case letters" in done.stderr
