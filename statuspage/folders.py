"""Files in a folder of this machine, which a web server reads at any moment: each is whole, the old one or the new."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.draft")
LOST_SECONDS = 3600.0  # nobody writes on a file for so long


@dataclass(frozen=True, slots=True)
class Folder:
    """Writes files below a folder, for every user to read. Whatever else is in it stays as it is."""

    root: Path

    def put(self, path: str, body: bytes, *, content_type: str, cache_control: str) -> None:
        """Replace one file; type and caching are the web server's business. Raises OSError."""
        target = self._inside(path)
        self._make(target.parent)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with open(descriptor, "wb") as file:
                os.fchmod(file.fileno(), 0o644)  # whatever our umask: the web server is somebody else
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def delete(self, path: str) -> None:
        """Remove one file, if it is there, and the folders that are empty then. Raises OSError."""
        target = self._inside(path)
        target.unlink(missing_ok=True)
        with suppress(OSError):
            for parent in target.parents:
                if parent == self.root:
                    break
                parent.rmdir()

    def has(self, path: str) -> bool:
        """Whether the file is there."""
        return self._inside(path).is_file()

    def tidy(self) -> None:
        """Remove what a process that was killed left half written. Raises OSError."""
        before = time.time() - LOST_SECONDS
        for folder, _, names in os.walk(self.root):
            for path in (Path(folder, name) for name in names if DRAFT.fullmatch(name)):
                if path.lstat().st_mtime < before:
                    path.unlink(missing_ok=True)

    def _make(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            each.chmod(0o755)

    def _inside(self, path: str) -> Path:
        parts = path.split("/")
        if any(part in ("", ".", "..") or "\x00" in part for part in parts):
            raise OSError(f"{path!r} is no path of a file")
        return self.root.joinpath(*parts)
