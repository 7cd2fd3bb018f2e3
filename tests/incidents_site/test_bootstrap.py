"""``script/bootstrap`` on a machine that lacks something: one line that says what to do, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from incidents_site.config import BASE_DIR


@pytest.fixture
def clone(tmp_path):
    """A clone without .venv, under a path with a space."""
    clone = tmp_path / "a clone"
    for part in ("script", "requirements"):
        shutil.copytree(BASE_DIR / part, clone / part)
    return clone


def bootstrap(clone, **environment):
    ended = subprocess.run(
        ["script/bootstrap"], cwd=clone, env=os.environ | environment, capture_output=True, text=True
    )
    assert not (clone / ".venv").exists()
    return ended.returncode, ended.stderr.splitlines()[-1]


def program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_that_was_named_is_not_replaced_by_another(clone, tmp_path):
    old = program(tmp_path / "python3.9", "exit 1")
    assert bootstrap(clone, PYTHON=old) == (
        1,
        f"script/bootstrap: PYTHON is '{old}', expected a Python 3.11 or newer",
    )


def test_a_missing_venv_module_is_named(clone, tmp_path):
    bare = program(tmp_path / "python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    program(tmp_path / "id", "echo 1000")
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert bootstrap(clone, PYTHON=bare, PATH=path) == (
        1,
        "script/bootstrap: this Python has no venv module; install it first: apt-get install python3-venv",
    )
