"""The embedded services: closed to strangers, gone with their owner, unharmed by a kill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from incidents_site.config import BASE_DIR, load
from incidents_site.embedded import EmbeddedError, child, privileges
from incidents_site.embedded.borrowed import Ownership, database_for
from incidents_site.embedded.postgres import Postgres, binary
from incidents_site.embedded.redis import RedisServer

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A data folder with an initialised PostgreSQL, from a path with a space; made once, because it takes a second."""
    folder = tmp_path_factory.mktemp("made once") / "data"
    postgres = Postgres(folder, is_durable=False)
    postgres.start()
    postgres.stop()
    return folder


@pytest.fixture
def data_dir(template, tmp_path):
    folder = tmp_path / "data dir"
    shutil.copytree(template, folder)
    return folder


@pytest.fixture
def postgres(data_dir):
    server = Postgres(data_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(tmp_path):
    server = RedisServer(tmp_path / "data dir")
    server.start()
    yield server
    server.stop()


def execute(url, statement):
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def wait_for(condition, within=10.0):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_postgres_wants_its_password(postgres):
    assert execute(postgres.url, "SELECT 1") == [(1,)]
    for stranger in ("muster", "muster:guess", "postgres:guess"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            execute(f"postgresql://{stranger}@127.0.0.1:{postgres.port}/muster", "SELECT 1")


def test_only_the_owner_may_read_passwords(postgres, redis_server):
    for path in (postgres.folder.parent / "postgres.json", redis_server.folder.parent / "redis.json"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not (postgres.folder.parent / "postgres.password").exists()
    assert postgres.folder.stat().st_mode & 0o777 == 0o700


def test_postgres_starts_again_after_a_kill_with_everything_committed(postgres):
    execute(postgres.url, "CREATE TABLE kept (n integer)")
    execute(postgres.url, "INSERT INTO kept VALUES (42)")
    url = postgres.url
    assert postgres.process
    postgres.process.kill()
    postgres.process.wait()
    postgres.start()
    assert postgres.url == url
    assert execute(postgres.url, "SELECT n FROM kept") == [(42,)]


def test_a_lock_that_names_a_stranger_does_not_stop_the_start(postgres):
    postgres.stop()
    (postgres.folder / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.folder}\n")
    postgres.start()
    assert execute(postgres.url, "SELECT 1") == [(1,)]


def test_a_server_left_by_a_killed_owner_is_ended_first(postgres, data_dir):
    assert postgres.process
    left = postgres.process
    second = Postgres(data_dir, is_durable=False)
    second.start()
    try:
        assert left.wait(5) == 0
        assert execute(second.url, "SELECT 1") == [(1,)]
    finally:
        second.stop()


def test_another_port_is_taken_when_a_stranger_has_ours(postgres):
    postgres.stop()
    before = postgres.port
    with socket.create_server(("127.0.0.1", before)):
        postgres.start()
    assert postgres.port != before
    assert execute(postgres.url, "SELECT 1") == [(1,)]


def test_files_that_are_no_data_are_not_touched(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "precious").write_text("mine")
    with pytest.raises(EmbeddedError, match="holds files, but no PostgreSQL data"):
        Postgres(tmp_path).start()
    assert (tmp_path / "postgres" / "precious").read_text() == "mine"


def test_services_end_with_their_owner(data_dir):
    code = (
        "import sys, time; from pathlib import Path; from incidents_site.embedded.postgres import Postgres;"
        "from incidents_site.embedded.redis import RedisServer; folder = Path(sys.argv[1]);"
        "p = Postgres(folder); p.start(); r = RedisServer(folder); r.start();"
        "print(p.process.pid, r.process.pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(data_dir)], cwd=BASE_DIR, stdout=subprocess.PIPE)
    assert owner.stdout
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 2
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_for(lambda: not any(is_running(pid) for pid in pids))


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_redis_wants_its_password_and_keeps_what_it_was_told(redis_server):
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("kept", "42")
    once = Retry(NoBackoff(), 0)
    with redis.Redis(port=redis_server.port, retry=once) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert redis_server.process
    arguments = Path(f"/proc/{redis_server.process.pid}/cmdline").read_text()
    assert redis_server.url.split(":")[2].split("@")[0] not in arguments
    time.sleep(1.1)  # Redis writes to disk once a second
    redis_server.process.kill()
    redis_server.process.wait()
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.get("kept") == b"42"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")
def test_root_without_user_namespaces_runs_postgres_as_somebody_else(monkeypatch):
    def refuse(inner_id):
        raise PermissionError

    monkeypatch.setattr(privileges, "enter_user_namespace", refuse)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            privileges.unprivileged_identity(folder, binary("postgres"))
        except EmbeddedError:
            pytest.skip("PostgreSQL's programs are below a folder that only root may enter")
        server = Postgres(folder, is_durable=False)
        server.start()
        try:
            assert server.process
            assert Path(f"/proc/{server.process.pid}").stat().st_uid != 0
            assert execute(server.url, "SELECT 1") == [(1,)]
        finally:
            server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")
def test_a_folder_that_nobody_else_may_enter_is_named(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedError, match="cannot enter") as caught:
        privileges.unprivileged_identity(tmp_path, binary("postgres"))
    assert str(tmp_path) in str(caught.value)


def test_a_command_runs_the_database_for_its_own_duration(data_dir):
    config = load({"MUSTER_DATA": str(data_dir)})
    with database_for(config, ["createtoken", "alice"]):
        inside = load({"MUSTER_DATA": str(data_dir)})
        assert execute(inside.database_url, "SELECT 1") == [(1,)]
        assert not Ownership(data_dir).take()
    assert not config.run_file.exists()
    with pytest.raises(psycopg.OperationalError):
        execute(inside.database_url, "SELECT 1")


@pytest.mark.parametrize("arguments", [[], ["help"], ["up"], ["check"], ["createtoken", "--help"], ["--version"]])
def test_a_command_that_asks_the_database_nothing_starts_none(tmp_path, arguments):
    config = load({"MUSTER_DATA": str(tmp_path)})
    with database_for(config, arguments):
        assert not (tmp_path / "postgres").exists()


def test_ownership_is_exclusive_and_comes_back(tmp_path):
    first, second = Ownership(tmp_path), Ownership(tmp_path)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_a_large_log_starts_afresh(tmp_path):
    (tmp_path / "redis.log").write_bytes(b"x" * (child.LOG_LIMIT_BYTES + 1))
    with child.open_log(tmp_path, "redis") as log:
        log.write(b"new\n")
    assert child.last_line(tmp_path / "redis.log") == "new"
    assert (tmp_path / "redis.log.1").stat().st_size == child.LOG_LIMIT_BYTES + 1


def test_a_child_that_ignores_the_request_is_ended_with_its_own_children(tmp_path):
    marker = tmp_path / "grandchild"
    script = f'trap "" TERM; sleep 60 & echo $! > "{marker}"; wait; sleep 60'
    process = child.start(["/bin/sh", "-c", script], death_signal=signal.SIGKILL)
    wait_for(lambda: marker.exists() and marker.read_text().strip())
    child.stop(process, signal.SIGTERM, within=0.2)
    assert process.returncode == -signal.SIGKILL
    wait_for(lambda: not is_running(int(marker.read_text())))
