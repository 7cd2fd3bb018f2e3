"""What tests of the pages on which a postmortem is written look at."""

from __future__ import annotations

import html

from postmortems.models import Postmortem
from tests import make

SCRIPT = {"HX-Request": "true"}


def text_of(response):
    return html.unescape(response.content.decode())


def section(postmortem, key="root_cause"):
    return postmortem.sections.get(key=key)


def place(response, key="root_cause"):
    return next(one for one in response.context["places"] if one.section.key == key)


def publish(postmortem):
    Postmortem.objects.filter(pk=postmortem.pk).update(state="published", published_at=make.NOW)
