"""The part of bench.automation that runs inside Muster.

``setup URL`` makes a runner and two actions, one of the runner's and one that is a request, and prints the token.
``ask COUNT SECONDS`` asks for both in turn, each at an incident of its own, COUNT times within so many seconds.
"""

from __future__ import annotations

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from accounts.models import User  # noqa: E402
from automation import asking, defining, runners  # noqa: E402
from automation.asking import Wish  # noqa: E402
from automation.models import Action  # noqa: E402
from automation.parameters import Parameter  # noqa: E402
from incidents import lifecycle  # noqa: E402
from incidents.lifecycle import Draft  # noqa: E402

MARK = Parameter("mark")


def setup(url: str) -> None:
    """Print the runner's token."""
    runner, token = runners.create(name="Bench", by=None)
    own = [MARK]
    defining.create(
        slug="append", name="Append", way="runner", runner=runner, command="append", parameters=own, by=None
    )
    defining.create(slug="post", name="Post", way="http", url=url, parameters=own, by=None)
    print(f"runner={token}")


def ask(count: int, seconds: float) -> None:
    """Each execution's mark is its number."""
    alice = User.objects.get(username="alice")
    actions = [Action.objects.get(slug=slug) for slug in ("append", "post")]
    for number in range(count):
        incident = lifecycle.declare(Draft(title=f"Action {number}", severity="low", services=[]))
        asking.ask(actions[number % 2], incident, Wish({"mark": f"m{number:05}"}), by=alice)
        time.sleep(seconds / count)


if __name__ == "__main__":
    if sys.argv[1] == "setup":
        setup(sys.argv[2])
    else:
        ask(int(sys.argv[2]), float(sys.argv[3]))
