"""Forms whose change would keep somebody from being paged, as a person answers them."""

from __future__ import annotations

import html
import re

SAVE_ANYWAY = re.compile(r'name="confirm" value="([^"]+)">Save anyway')


def warnings_of(answer) -> list[str]:
    """What a form says that a change would bring; nothing where it does not ask."""
    page = answer.content.decode()
    notice = page.split("mu-unconfirmed", 1)[1].split("</ul>")[0] if "mu-unconfirmed" in page else ""
    return [html.unescape(text) for text in re.findall(r"<li>(.*?)</li>", notice)]


def confirmation(answer) -> dict[str, str]:
    """What the button that saves anyway sends."""
    found = SAVE_ANYWAY.search(answer.content.decode())
    assert found
    return {"confirm": found[1]}


def save_anyway(client, path, data):
    """Send a form, read the warnings, and press the button that saves anyway; its answer."""
    asked = client.post(path, data)
    assert asked.status_code == 422
    return client.post(path, data | confirmation(asked))
