"""Static files are collected when one of them has changed, and not again before."""

from __future__ import annotations

import os
import shutil

import pytest

from incidents_site import static_files


def test_they_are_collected_once_for_each_version_of_them(settings, tmp_path):
    ours, root = tmp_path / "ours", tmp_path / "root"
    ours.mkdir()
    (ours / "muster.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [ours], root
    assert [static_files.collect(), static_files.collect()] == [True, False]
    (ours / "muster.css").write_text("a { color: blue }")
    os.utime(ours / "muster.css", (1, 1))  # a step back: the file is older than its copy
    assert [static_files.collect(), static_files.collect()] == [True, False]
    assert (root / "muster.css").read_text() == "a { color: blue }"
    shutil.rmtree(root)  # somebody clears it
    assert static_files.collect()
    assert (root / "muster.css").exists()


def test_what_another_version_has_collected_in_between_is_collected_again(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    static_files.collect()
    assert not static_files.collect()
    manifest = tmp_path / "staticfiles.json"
    manifest.write_text(manifest.read_text().replace("css/app.", "css/app.0"))
    assert static_files.collect()
    assert "css/app.0" not in manifest.read_text()


def test_whoever_was_interrupted_begins_again(settings, tmp_path, monkeypatch):
    settings.STATIC_ROOT = tmp_path
    static_files.collect()
    stamp = tmp_path / static_files.STAMP
    stamp.write_text("of another version")
    monkeypatch.setattr(static_files, "call_command", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        static_files.collect()
    assert not stamp.exists()


def _interrupted(*arguments, **options):
    raise KeyboardInterrupt
