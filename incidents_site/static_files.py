"""Static files are collected and compressed once for each version of them, which takes a processor some seconds."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP = ".collected"
MADE_BY = ("Django", "whitenoise")


def collect() -> bool:
    """Bring ``STATIC_ROOT`` up to date; returns whether there was anything to do."""
    root, sources = Path(settings.STATIC_ROOT), _sources()
    stamp, digest = root / STAMP, _digest(sources)
    if stamp.is_file() and stamp.read_text() == digest:
        return False
    stamp.unlink(missing_ok=True)  # whoever is interrupted begins again
    for path in sources:  # Django leaves a copy that is newer, which it is after a step back to an older version
        (root / path).unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(digest)
    return True


def _sources() -> dict[str, Path]:
    """Every file that would be collected, by its path below ``STATIC_ROOT``; of two the first, as Django has it."""
    found: dict[str, Path] = {}
    for finder in get_finders():
        for path, storage in finder.list(None):
            found.setdefault(path, Path(storage.path(path)))
    return found


def _digest(sources: dict[str, Path]) -> str:
    """Of what is collected, and of what collects and compresses it."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for name in MADE_BY:
        digest.update(f"\n{name} {metadata.version(name)}".encode())
    for path, file in sorted(sources.items()):
        digest.update(f"\n{path}\n".encode() + file.read_bytes())
    return digest.hexdigest()
