"""Who the embedded PostgreSQL runs as.

It refuses to run as root, and initdb refuses a user without an entry in the user database, as containers have them.
In both cases it gets another identity.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from incidents_site.embedded import EmbeddedError

CLONE_NEWUSER = 0x10000000
UNPRIVILEGED_USERS = ("postgres", "daemon", "nobody")

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """Who a child is. ``become`` runs in the child before the program; ``owner`` owns the files that it works on."""

    become: Callable[[], None] | None = None
    owner: pwd.struct_passwd | None = None

    def give(self, path: Path) -> None:
        """Hand a file, or a folder with all that is in it, to this identity."""
        if self.owner:
            for each in (path, *path.rglob("*")):
                os.chown(each, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)


def identity_for(folder: Path, program: Path) -> Identity:
    """Who runs ``program`` on files in ``folder``; an ordinary user stays who they are.

    Otherwise preferably a user namespace, in which we appear as an ordinary user and keep our own files. Where that
    is refused, root uses an unprivileged user; raises ``EmbeddedError`` when that user cannot reach the folder or the
    program.
    """
    is_root = os.geteuid() == 0
    if not is_root and _is_known(os.geteuid()):
        return Identity()
    enter = partial(enter_user_namespace, _unprivileged_user().pw_uid)
    if _succeeds([str(program), "--version"], enter):
        return Identity(become=enter)
    return unprivileged_identity(folder, program) if is_root else Identity()


def enter_user_namespace(inner_id: int) -> None:
    """Become the user ``inner_id`` inside a namespace of our own; outside of it we remain who we were."""
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inner_id} {uid} 1"),
        ("gid_map", f"{inner_id} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def unprivileged_identity(folder: Path, program: Path) -> Identity:
    """An unprivileged user of this machine who can enter ``folder`` and run ``program``; else ``EmbeddedError``."""
    user = _unprivileged_user()

    def become() -> None:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    if not _succeeds(["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(folder), str(program)], become):
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and the user {user.pw_name} cannot enter {folder} "
            f"or {program.parent}; run Muster as an ordinary user, or from a folder that everyone may enter, "
            "or set DATABASE_URL"
        )
    return Identity(become=become, owner=user)


def _is_known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _unprivileged_user() -> pwd.struct_passwd:
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError("PostgreSQL refuses to run as root; run Muster as an ordinary user, or set DATABASE_URL")


def _succeeds(argv: list[str], become: Callable[[], None]) -> bool:
    try:
        found = subprocess.run(
            argv, preexec_fn=become, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return found.returncode == 0
