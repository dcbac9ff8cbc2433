"""What tests of actions share: asking the API as a client that is no browser, pressing buttons, saying yes."""

import json
import urllib.error
import urllib.request
from datetime import datetime

PLACE = "projects/local-project/locations/us-central1"


def ask(shed, path, document=None, method=None):
    """Answer what the API says, or a page's JSON form."""
    content = None if document is None else json.dumps(document).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    asked = urllib.request.Request(shed.address + path, content, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=90) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from error


def status(shed, path):
    """Answer the HTTP status of reading it."""
    try:
        with urllib.request.urlopen(shed.address + path, timeout=90) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def start(shed, job, script, *, cores=1):
    """Start a run of one task, a script; answer its name."""
    container = {
        "image": "gcr.io/local-project/penguin-training:1",
        "command": ["sh", "-c", script],
        "resources": {"cpuLimit": cores},
    }
    spec = {
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.0",
        "pipelineInfo": {"name": "of-one-task"},
        "root": {"dag": {"tasks": {"try": {"componentRef": {"name": "comp-try"}, "taskInfo": {"name": "try"}}}}},
        "components": {"comp-try": {"executorLabel": "exec-try"}},
        "deploymentSpec": {"executors": {"exec-try": {"container": container}}},
    }
    asked = {"pipelineSpec": spec, "runtimeConfig": {"gcsOutputDirectory": "gs://local-project-penguins/tried"}}
    return ask(shed, f"/v1/{PLACE}/pipelineJobs?pipelineJobId={job}", asked)["name"]


def parts(shed, path):
    """Answer the parts of a page as its JSON form has them, by their ids."""
    return {part["id"]: part for part in ask(shed, path)["parts"]}


def actions(shed, path):
    """Answer what the buttons and forms of a page ask for, each with the id of its part."""
    found = []
    for part_id, part in parts(shed, path).items():
        mine = part["actions"] if part["kind"] == "actions" else [part["action"]] if part["kind"] == "form" else []
        found += [(part_id, action) for action in mine]
    return found


def lasted(start, end):
    """Write how long something took, below an hour, as people say it."""
    return said_seconds(between(start, end))


def between(start, end):
    """Answer the seconds between two times of an API."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def said_seconds(seconds):
    """Write seconds, below an hour."""
    if round(seconds, 3) < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if round(seconds, 1) < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def said_bytes(count):
    """Write a number of bytes, below a gibibyte."""
    return f"{count} B" if count < 1024 else f"{count / 2**10:.1f} KiB" if count < 2**20 else f"{count / 2**20:.1f} MiB"


def exact(time):
    """Write a time to the second, as it is shown on hover."""
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%S UTC")


def facts(page, part):
    """Answer labels and values of a part."""
    labels = page.locator(f"#{part} dt").all_inner_texts()
    return dict(zip(labels, page.locator(f"#{part} dd").all_inner_texts(), strict=True))


def table(page, part):
    """Answer the rows of a part, each as {column: text} in one line."""
    columns = page.locator(f"#{part} thead").first.locator("th").all_text_contents()
    found = [row.locator("td").all_text_contents() for row in rows(page, part).all()]
    return [{key: " ".join(text.split()) for key, text in zip(columns, row, strict=True)} for row in found]


def rows(page, part):
    return page.locator(f"#{part} tbody tr")


def press(page, part, name):
    page.locator(f"#{part}").get_by_role("button", name=name, exact=True).click()


def agree(page, name):
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def unfold(page, part):
    page.locator(f"#{part} summary").click()


def forgive(page, words):
    """Take back the one complaint of the browser that a test caused itself."""
    (known,) = [said for said in page.wrong if words in said]
    page.wrong.remove(known)
