"""Environment variables: what is read from them, and what a wrong value says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from incidents_site.config import BASE_DIR, Bucket, ConfigError, load, write_private

SECRET = "a-long-and-random-looking-text-for-tests"
OUTSIDE = {"DATABASE_URL": "postgresql://muster:pw@db:5432/muster", "SECRET_KEY": SECRET}


@pytest.fixture
def embedded(tmp_path):
    return {"MUSTER_DATA": str(tmp_path)}


def test_nothing_set_means_the_embedded_default_on_the_loopback_address(embedded, tmp_path):
    config = load(embedded)
    assert config.embedded_database
    assert config.embedded_redis
    assert config.database_url == ""
    assert config.redis_url == ""
    assert config.demo
    assert (config.bind, config.port) == ("127.0.0.1", 8000)
    assert config.base_url == config.local_url == "http://127.0.0.1:8000"
    assert config.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert config.default_from_email == "Muster <muster@localhost>"
    assert config.trusted_proxies == config.allow_nets == ()
    assert config.email is None
    assert config.data_dir == tmp_path


def test_a_relative_data_folder_is_relative_to_the_repository():
    config = load({**OUTSIDE, "MUSTER_DATA": "some/where"})
    assert config.data_dir == BASE_DIR / "some" / "where"


def test_the_embedded_default_makes_its_own_secret_key_once_and_for_its_owner_only(embedded, tmp_path):
    first, second = load(embedded), load(embedded)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_addresses_come_from_the_running_instance_when_none_are_set(embedded, tmp_path):
    running = {"keeper": "up", "database_url": "postgresql://x@127.0.0.1:1/muster", "redis_url": "redis://127.0.0.1:2"}
    write_private(tmp_path / "run.json", json.dumps(running))
    config = load(embedded)
    assert config.database_url == running["database_url"]
    assert config.redis_url == running["redis_url"]
    assert config.embedded_database


@pytest.mark.parametrize("left", ["", "{", "[]", "null", '"text"'])
def test_a_damaged_file_of_addresses_is_as_good_as_none(embedded, tmp_path, left):
    (tmp_path / "run.json").write_text(left)
    assert load(embedded).database_url == ""


def test_given_addresses_win_over_those_of_a_running_instance(tmp_path):
    write_private(tmp_path / "run.json", json.dumps({"database_url": "postgresql://other/", "redis_url": "redis://o"}))
    config = load({**OUTSIDE, "MUSTER_DATA": str(tmp_path), "REDIS_URL": "redis://broker:6379/1"})
    assert config.database_url == OUTSIDE["DATABASE_URL"]
    assert config.redis_url == "redis://broker:6379/1"
    assert not config.embedded_database
    assert not config.embedded_redis
    assert not config.demo


def test_the_host_of_base_url_is_allowed():
    config = load({**OUTSIDE, "BASE_URL": "https://muster.example.com/"})
    assert config.base_url == "https://muster.example.com"
    assert config.allowed_hosts == ("localhost", "127.0.0.1", "[::1]", "muster.example.com")
    assert config.is_https
    assert config.default_from_email == "Muster <muster@muster.example.com>"


def test_given_hosts_replace_the_default():
    assert load({**OUTSIDE, "ALLOWED_HOSTS": "a.example, b.example"}).allowed_hosts == ("a.example", "b.example")


def test_the_local_address_is_one_that_this_machine_can_open():
    assert load({**OUTSIDE, "BIND": "0.0.0.0", "PORT": "9000"}).local_url == "http://127.0.0.1:9000"
    assert load({**OUTSIDE, "BIND": "::"}).local_url == "http://[::1]:8000"


def test_networks_are_lists():
    config = load({**OUTSIDE, "TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1", "MUSTER_ALLOW_NETS": "fd00::/8"})
    assert config.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"))
    assert config.allow_nets == (ip_network("fd00::/8"),)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, "", "", "none")),
        ("smtp://u%40x:p%3Aw@mail:2525", ("mail", 2525, "u@x", "p:w", "none")),
        ("smtp+starttls://u:p@mail", ("mail", 587, "u", "p", "starttls")),
        ("smtps://u:p@mail", ("mail", 465, "u", "p", "tls")),
    ],
)
def test_the_mail_server_is_read_from_its_address(url, expected):
    mail = load({**OUTSIDE, "EMAIL_URL": url}).email
    assert mail is not None
    assert (mail.host, mail.port, mail.username, mail.password, mail.security) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://k:s@s3.example.com/status", ("https://s3.example.com", "us-east-1", "status", "", "k", "s")),
        (
            "s3://k:a%2Fb%3D@[::1]:9000/status/a/b/?region=eu-central-1&tls=0",
            ("http://[::1]:9000", "eu-central-1", "status", "a/b/", "k", "a/b="),
        ),
    ],
)
def test_a_bucket_is_read_from_its_address(url, expected):
    bucket = load({**OUTSIDE, "STATUS_EXPORT": url}).status_export
    assert isinstance(bucket, Bucket)
    assert (bucket.base_url, bucket.region, bucket.name, bucket.prefix, bucket.key, bucket.secret) == expected
    assert str(bucket) == f"{expected[0]}/status/{expected[3]}"


def test_a_folder_is_an_absolute_path():
    assert load({**OUTSIDE, "STATUS_EXPORT": "/srv/status"}).status_export == Path("/srv/status")
    assert load(OUTSIDE).status_export is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "http", "a port number from 1 to 65535"),
        ("PORT", "0", "a port number"),
        ("PORT", "65536", "a port number"),
        ("BIND", "localhost", "an IP address"),
        ("BASE_URL", "muster.example.com", "https://muster.example.com"),
        ("BASE_URL", "https://", "https://muster.example.com"),
        ("BASE_URL", "http://host:port", "https://muster.example.com"),
        ("ALLOWED_HOSTS", "https://muster.example.com", "without http://"),
        ("TRUSTED_PROXIES", "proxy", "networks separated by commas"),
        ("MUSTER_ALLOW_NETS", "10.0.0.1/8", "networks separated by commas"),
        ("DATABASE_URL", "mysql://db/muster", "postgresql://"),
        ("REDIS_URL", "http://redis", "redis://"),
        ("EMAIL_URL", "mail.example.com:25", "smtp://"),
        ("DEADMAN_URL", "ping", "https://"),
        ("SENTRY_DSN", "key", "https://"),
        ("STATUS_EXPORT", "srv/status", "/srv/status"),
        ("STATUS_EXPORT", "s3://host/bucket", "s3://key:secret@host/bucket"),
        ("STATUS_EXPORT", "s3://key@host/bucket", "s3://key:secret@host/bucket"),
        ("STATUS_EXPORT", "s3://key:secret@host/", "s3://key:secret@host/bucket"),
        ("STATUS_EXPORT", "s3://key:secret@host/bucket?tls=yes", "s3://key:secret@host/bucket"),
        ("STATUS_EXPORT", "s3://key:secret@host/bucket?acl=public", "s3://key:secret@host/bucket"),
        ("MUSTER_DEMO", "yes", "0 or 1"),
        ("SECRET_KEY", "short", "at least 32"),
    ],
)
def test_a_wrong_value_names_the_variable_and_what_is_expected(name, value, expected):
    with pytest.raises(ConfigError) as caught:
        load({**OUTSIDE, name: value})
    assert str(caught.value).startswith(f"{name} is ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "EMAIL_URL", "STATUS_EXPORT"])
def test_a_wrong_address_does_not_print_its_password(name):
    with pytest.raises(ConfigError) as caught:
        load({**OUTSIDE, name: "wrong://user:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_an_outside_database_needs_a_secret_key():
    with pytest.raises(ConfigError, match="SECRET_KEY is not set"):
        load({"DATABASE_URL": OUTSIDE["DATABASE_URL"]})


def test_an_outside_database_refuses_demo_data():
    with pytest.raises(ConfigError, match="MUSTER_DEMO is 1 together with DATABASE_URL"):
        load({**OUTSIDE, "MUSTER_DEMO": "1"})


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="MUSTER_DATA is "):
        load({"MUSTER_DATA": str(tmp_path / "file" / "inside")})


@pytest.mark.parametrize(
    "command",
    [["manage.py", "check"], ["-m", "incidents_site.web"], ["-m", "celery", "-A", "incidents_site", "report"]],
)
def test_every_process_says_it_in_one_line_without_a_traceback(command, tmp_path):
    environment = os.environ | {"PORT": "many", "MUSTER_DATA": str(tmp_path)}
    ended = subprocess.run([sys.executable, *command], cwd=BASE_DIR, env=environment, capture_output=True, text=True)
    assert ended.returncode != 0
    assert ended.stderr.strip() == "Muster cannot start: PORT is 'many', expected a port number from 1 to 65535"
