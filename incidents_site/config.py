"""Every environment variable that Muster reads, checked once, in one frozen object.

Settings, the supervisor and the tests take their values from here, so a wrong value is one clear line at start
and never a surprise at three in the morning.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SECRET_KEY_LENGTH = 32

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigError(Exception):
    """An environment variable has a value that Muster cannot use; the message names it and says what is expected."""


@dataclass(frozen=True)
class MailServer:
    """Where e-mail is handed over. ``security`` is decided by the scheme of ``EMAIL_URL``."""

    host: str
    port: int
    username: str
    password: str
    security: Literal["none", "starttls", "tls"]


@dataclass(frozen=True)
class Bucket:
    """Where S3 or what speaks like it keeps the static copy of public pages; ``base_url`` ends with the host."""

    base_url: str
    region: str
    name: str
    prefix: str
    key: str
    secret: str

    def __str__(self) -> str:
        return f"{self.base_url}/{self.name}/{self.prefix}"


@dataclass(frozen=True)
class Config:
    """Muster's configuration. ``database_url`` is empty only while the embedded PostgreSQL is not running."""

    data_dir: Path
    secret_key: str
    base_url: str
    bind: str
    port: int
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    database_url: str
    redis_url: str
    embedded_database: bool
    embedded_redis: bool
    email: MailServer | None
    default_from_email: str
    allow_nets: tuple[Network, ...]
    deadman_url: str
    sentry_dsn: str
    status_export: Path | Bucket | None
    demo: bool

    @property
    def run_file(self) -> Path:
        """Where the running instance leaves the addresses of its database and Redis."""
        return self.data_dir / "run.json"

    @property
    def is_https(self) -> bool:
        """Whether people reach Muster over TLS, which makes cookies secure."""
        return self.base_url.startswith("https://")

    @property
    def local_url(self) -> str:
        """The address of the web server as seen from this machine."""
        return _local_url(self.bind, self.port)


def load(environ: Mapping[str, str]) -> Config:
    """Read and check every variable; raises ``ConfigError`` for the first wrong one.

    Addresses that are not set come from ``run.json``, which a running ``manage.py up`` has written.
    """
    env = {name: value.strip() for name, value in environ.items()}
    data_dir = BASE_DIR / Path(env.get("MUSTER_DATA") or ".data").expanduser()
    running = read_run_file(data_dir / "run.json")
    database_url = _url(env, "DATABASE_URL", ("postgresql", "postgres"), "postgresql://user:password@host:5432/name")
    redis_url = _url(env, "REDIS_URL", ("redis", "rediss"), "redis://:password@host:6379/0")
    bind = _checked(env, "BIND", "127.0.0.1", _address, "an IP address such as 127.0.0.1 or 0.0.0.0")
    port = _checked(env, "PORT", "8000", _port, "a port number from 1 to 65535")
    base_url = _url(env, "BASE_URL", ("http", "https"), "https://muster.example.com") or _local_url(bind, port)
    return Config(
        data_dir=data_dir,
        secret_key=_secret_key(env, data_dir, is_embedded=not database_url),
        base_url=base_url.rstrip("/"),
        bind=bind,
        port=port,
        allowed_hosts=_allowed_hosts(env, base_url),
        trusted_proxies=_networks(env, "TRUSTED_PROXIES"),
        database_url=database_url or running.get("database_url", ""),
        redis_url=redis_url or running.get("redis_url", ""),
        embedded_database=not database_url,
        embedded_redis=not redis_url,
        email=_mail_server(env),
        default_from_email=env.get("DEFAULT_FROM_EMAIL") or f"Muster <muster@{_mail_domain(base_url)}>",
        allow_nets=_networks(env, "MUSTER_ALLOW_NETS"),
        deadman_url=_url(env, "DEADMAN_URL", ("http", "https"), "https://hc.example.com/ping/123"),
        sentry_dsn=_url(env, "SENTRY_DSN", ("http", "https"), "https://key@sentry.example.com/1"),
        status_export=_status_export(env),
        demo=_demo(env, is_embedded=not database_url),
    )


def read_run_file(path: Path) -> dict[str, str]:
    """The addresses that a running instance has left, or nothing when there is none or it is half written."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only: a reader sees the old or the new text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _checked(env: Mapping[str, str], name: str, default: str, parse: Callable[[str], T], expected: str) -> T:
    raw = env.get(name) or default
    try:
        return parse(raw)
    except ValueError:
        raise ConfigError(f"{name} is {raw!r}, expected {expected}") from None


def _local_url(bind: str, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _address(raw: str) -> str:
    return str(ipaddress.ip_address(raw.strip("[]")))


def _port(raw: str) -> int:
    port = int(raw)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


def _url(env: Mapping[str, str], name: str, schemes: tuple[str, ...], example: str) -> str:
    """The value as it stands, or an empty string. The message hides the value, which may hold a password."""
    raw = env.get(name, "")
    if not raw:
        return ""
    try:
        parts = urlsplit(raw)
        is_usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ConfigError(f"{name} is not an address that Muster can use, expected something like {example}")
    return raw


def _allowed_hosts(env: Mapping[str, str], base_url: str) -> tuple[str, ...]:
    hosts = tuple(host.strip() for host in env.get("ALLOWED_HOSTS", "").split(",") if host.strip())
    if any("/" in host or " " in host for host in hosts):
        raise ConfigError(
            f"ALLOWED_HOSTS is {env['ALLOWED_HOSTS']!r}, expected host names separated by commas, without http://"
        )
    if hosts:
        return hosts
    host = urlsplit(base_url).hostname or ""
    own = f"[{host}]" if ":" in host else host
    return (*LOCAL_HOSTS, own) if own not in LOCAL_HOSTS else LOCAL_HOSTS


def _networks(env: Mapping[str, str], name: str) -> tuple[Network, ...]:
    def parse(raw: str) -> tuple[Network, ...]:
        return tuple(ipaddress.ip_network(part.strip()) for part in raw.split(",") if part.strip())

    return _checked(env, name, "", parse, "networks separated by commas, such as 10.0.0.0/8,fd00::/8")


def _mail_server(env: Mapping[str, str]) -> MailServer | None:
    securities: dict[str, Literal["none", "starttls", "tls"]] = {
        "smtp": "none",
        "smtp+starttls": "starttls",
        "smtps": "tls",
    }
    raw = _url(env, "EMAIL_URL", tuple(securities), "smtp://user:password@host:25 (or smtps://, smtp+starttls://)")
    if not raw:
        return None
    parts = urlsplit(raw)
    security = securities[parts.scheme]
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or {"none": 25, "starttls": 587, "tls": 465}[security],
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        security=security,
    )


def _status_export(env: Mapping[str, str]) -> Path | Bucket | None:
    """A folder or a bucket. The message hides the value, which may hold a secret."""
    raw = env.get("STATUS_EXPORT", "")
    if raw.startswith("/") and "\x00" not in raw:
        return Path(raw)
    if not raw:
        return None
    expected = "/srv/status or s3://key:secret@host/bucket/prefix?region=eu-central-1"
    wrong = ConfigError(f"STATUS_EXPORT is not a place that Muster can use, expected something like {expected}")
    raw = _url(env, "STATUS_EXPORT", ("s3",), expected)
    parts, options = urlsplit(raw), dict(parse_qsl(urlsplit(raw).query, keep_blank_values=True))
    name, _, prefix = parts.path.strip("/").partition("/")
    is_known = options.keys() <= {"region", "tls"} and options.get("tls", "1") in {"0", "1"}
    host = parts.hostname or ""
    if not (is_known and name and parts.username and parts.password and host.isascii()):
        raise wrong
    shown = f"[{host}]" if ":" in host else host
    address = f"{shown}:{parts.port}" if parts.port else shown
    return Bucket(
        base_url=f"{'https' if options.get('tls', '1') == '1' else 'http'}://{address}",
        region=options.get("region") or "us-east-1",
        name=unquote(name),
        prefix=f"{unquote(prefix)}/" if prefix else "",
        key=unquote(parts.username),
        secret=unquote(parts.password),
    )


def _mail_domain(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    return host if host.strip("0123456789.") and ":" not in host else "localhost"


def _demo(env: Mapping[str, str], *, is_embedded: bool) -> bool:
    raw = env.get("MUSTER_DEMO", "")
    if raw not in {"", "0", "1"}:
        raise ConfigError(f"MUSTER_DEMO is {raw!r}, expected 0 or 1")
    if raw == "1" and not is_embedded:
        raise ConfigError(
            "MUSTER_DEMO is 1 together with DATABASE_URL, expected 0: demo data is for the embedded database"
        )
    return is_embedded and raw != "0"


def _secret_key(env: Mapping[str, str], data_dir: Path, *, is_embedded: bool) -> str:
    """The key from the environment; the embedded default makes its own once and keeps it."""
    given = env.get("SECRET_KEY", "")
    if given:
        if len(given) < SECRET_KEY_LENGTH:
            raise ConfigError(f"SECRET_KEY is too short, expected at least {SECRET_KEY_LENGTH} random characters")
        return given
    if not is_embedded:
        raise ConfigError("SECRET_KEY is not set, expected a long random text, because DATABASE_URL is set")
    return _kept_secret(data_dir / "secret_key")


def _kept_secret(path: Path) -> str:
    """The secret in the file, made at the first call; of two processes that make it at once, one wins for both."""
    try:
        if not path.exists():
            draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            write_private(draft, secrets.token_urlsafe(48))
            with suppress(FileExistsError):
                os.link(draft, path)
            draft.unlink()
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"MUSTER_DATA is {path.parent}, expected a folder that Muster may write ({error})") from None
