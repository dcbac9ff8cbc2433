"""What tests of actions share: asking the API as a client that is no browser, pressing buttons, saying yes."""

import json
import urllib.error
import urllib.request

PLACE = "projects/local-project/locations/us-central1"


def ask(shed, path, document=None, method=None):
    """Answer what the API says, or a page's JSON form. Raises HTTPError where it refuses."""
    content = None if document is None else json.dumps(document).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    asked = urllib.request.Request(shed.address + path, content, headers, method=method)
    with urllib.request.urlopen(asked, timeout=90) as answer:
        return json.loads(answer.read() or b"{}")


def status(shed, path):
    """Answer the HTTP status of reading it."""
    try:
        with urllib.request.urlopen(shed.address + path, timeout=90) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


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
