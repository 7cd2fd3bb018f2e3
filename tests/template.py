"""A database with every migration applied, and the static files: made once for a version of them, then copied.

Both take ten seconds of a processor; each process of a test run would do it again, and each run. The copy is an
ordinary data folder with an embedded PostgreSQL. Its name is a digest of what made it, so a changed migration or
another version of a package makes a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incidents_site.config import BASE_DIR
from incidents_site.embedded.postgres import DATABASE, Postgres

KEPT = BASE_DIR / ".state" / "migrated"
MOST_KEPT = 3
NAME = DATABASE
COLLECT = "from incidents_site import static_files; static_files.collect()"


def put(folder: Path) -> None:
    """Lay a migrated PostgreSQL into a data folder that has none yet."""
    kept = KEPT / _digest()
    with _alone():
        if not kept.exists():
            _make(kept)
        kept.touch()
        shutil.copytree(kept, folder, dirs_exist_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time makes, copies and clears away; the others wait and find it made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with KEPT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file, and with a process that is killed
        yield


def _digest() -> str:
    made_by = [*BASE_DIR.glob("*/migrations/*.py"), BASE_DIR / "requirements" / "dev.txt", Path(__file__)]
    made_by += [path for path in (BASE_DIR / "static").rglob("*") if path.is_file()]
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(made_by):
        digest.update(f"{path.relative_to(BASE_DIR)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _make(kept: Path) -> None:
    draft = kept.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)  # a run was killed that made it
    postgres = Postgres(draft, is_durable=False)
    try:
        postgres.start()
        environment = os.environ | {"DATABASE_URL": postgres.url, "MUSTER_DATA": str(draft), "SECRET_KEY": "x" * 50}
        for argv in (["migrate", "--verbosity", "0", "--skip-checks"], ["shell", "--verbosity", "0", "-c", COLLECT]):
            subprocess.run([sys.executable, "manage.py", *argv], cwd=BASE_DIR, env=environment, check=True)
        postgres.stop()
        shutil.rmtree(draft / "log", ignore_errors=True)
        draft.rename(kept)
    finally:
        postgres.stop()
        shutil.rmtree(draft, ignore_errors=True)
    for old in sorted(KEPT.iterdir(), key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
