"""Tests that try very many values, with all of them: every strange value in every field, every random history."""

from __future__ import annotations

import os
import subprocess
import sys

from incidents_site.config import BASE_DIR

FILES = (
    "tests/api/test_automation_strangers.py",
    "tests/incidents/test_at_random.py",
    "tests/statuspage/test_leaks.py",
    "tests/statuspage/test_uptime.py",
)


def main() -> None:
    """Raises AssertionError where one fails."""
    environment = os.environ | {"MUSTER_FULL": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", *FILES]
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, check=False)
    assert done.returncode == 0, "a test failed"
