"""The file: what is wrong in it is said at the start, with the place and what to do."""

from __future__ import annotations

import ast
import copy
import json
import os
from pathlib import Path

import pytest

from automation import parameters

pytestmark = pytest.mark.enable_socket

GOOD = {
    "server": "https://muster.example.com",
    "token_file": "/etc/muster-runner/token",
    "state": "/var/lib/muster-runner",
    "user": "muster-runner",
    "actions": {
        "lag": {
            "description": "Lag.",
            "read_only": True,
            "argv": ["/usr/bin/lag", {"parameter": "group"}],
            "parameters": {"group": {"type": "name"}},
        }
    },
}
ACTION = ("actions", "lag")
GROUP = (*ACTION, "parameters", "group")
SERVER = "runner.json.server: expected https:// and only host, port and path, or http:// on this machine"
FLAG_AND_PREFIX = {
    "description": "Lag.",
    "read_only": True,
    "argv": ["/usr/bin/lag", {"parameter": "group", "flag": "-v", "prefix": "x"}],
    "parameters": {"group": {"type": "boolean"}},
}


def read(runner, tmp_path, settings):
    path = tmp_path / "runner.json"
    path.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    path.chmod(0o644)
    return runner.read_config(str(path))


def changed(place, value):
    settings = copy.deepcopy(GOOD)
    inner = settings
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return settings


def test_a_short_file_has_sensible_limits(runner, tmp_path):
    config = read(runner, tmp_path, GOOD)
    action = config.actions["lag"]
    assert (config.at_once, config.poll_seconds, action.seconds, action.output_bytes, action.directory) == (
        4,
        1.0,
        120,
        65_536,
        "/",
    )


def test_the_example_is_a_good_file(runner, tmp_path):
    example = Path(__file__).parents[2] / "runner" / "runner.example.json"
    config = read(runner, tmp_path, example.read_text())
    assert list(config.actions) == ["consumer-lag", "database-activity", "restart-checkout"]
    command = config.actions["consumer-lag"].command({"group": "orders", "verbose": True}, dry_run=False)
    assert command[-2:] == ["orders", "--verbose"]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("sever",), "x", "runner.json: unknown key 'sever'; known here: actions, at_once"),
        (("server",), 5, SERVER),
        (("server",), "http://muster.example.com", SERVER),
        (("server",), "https://a:b@muster.example.com", SERVER),
        (("server",), "https://muster.example.com/\r\nx: y", SERVER),
        (("server",), "https://muster.example.com:99999", SERVER),
        (("token_file",), "token", "token_file: expected an absolute path"),
        (("at_once",), 0, "at_once: expected a whole number from 1 to 64"),
        (("at_once",), True, "at_once: expected a whole number"),
        (("poll_seconds",), "1", "poll_seconds: expected a number of seconds"),
        (("mask_files",), ["a"], "mask_files: expected a list of absolute paths"),
        (("actions",), {}, "actions: allows nothing"),
        (("actions",), [], "runner.json.actions: expected an object in braces"),
        (("actions", "a b"), {}, "actions: 'a b' is no name here"),
        ((*ACTION, "shell"), True, "actions.lag: unknown key 'shell'"),
        ((*ACTION, "read_only"), "yes", "read_only: expected true or false"),
        ((*ACTION, "description"), "", "description: expected a text"),
        ((*ACTION, "seconds"), 4000, "seconds: expected a whole number from 1 to 3600"),
        ((*ACTION, "output_bytes"), 10, "output_bytes: expected a whole number from 16384 to 65536"),
        ((*ACTION, "directory"), "here", "directory: expected an absolute path"),
        ((*ACTION, "environment"), {"A B": "x"}, "environment: 'A B' is no name here"),
        ((*ACTION, "environment"), {"A": {"path": "/x"}}, "environment.A.file: is missing"),
        ((*ACTION, "environment"), {"A": {"file": "/x", "b": 1}}, "environment.A: unknown key 'b'"),
        ((*ACTION, "argv"), "/bin/ls", "argv: expected a list"),
        ((*ACTION, "argv"), [], "argv: must begin with the absolute path of a program"),
        ((*ACTION, "argv"), ["ls"], "argv: must begin with the absolute path of a program"),
        ((*ACTION, "argv"), [{"parameter": "group"}], "argv: must begin with the absolute path of a program"),
        ((*ACTION, "argv"), ["/bin/ls", 5], 'argv\\[1\\]: expected a text without NUL characters, or {"parameter"'),
        (
            (*ACTION, "argv"),
            ["/bin/ls", "a\0b"],
            'argv\\[1\\]: expected a text without NUL characters, or {"parameter"',
        ),
        ((*ACTION, "argv"), ["/bin/ls"], "parameters.group: is used nowhere"),
        ((*ACTION, "argv"), ["/bin/ls", {"parameter": "x"}], "argv\\[1\\].parameter: 'x' is not declared"),
        ((*ACTION, "argv"), ["/bin/ls", {"parameter": "group", "perfix": "-"}], "unknown key 'perfix'"),
        ((*ACTION, "argv"), ["/bin/ls", {"parameter": "group", "flag": "-v"}], 'a boolean is used with "flag"'),
        (
            (*ACTION, "argv"),
            ["/bin/ls", {"parameter": "group", "flag": "-v", "prefix": "x"}],
            'a boolean is used with "flag" and no',
        ),
        (ACTION, FLAG_AND_PREFIX, 'argv\\[1\\].parameter: a boolean is used with "flag" and no prefix'),
        (GROUP, {"type": "boolean"}, 'a boolean is used with "flag"'),
        (GROUP, {"type": "string"}, "group.type: must be one of name, integer, choice, boolean, text"),
        (GROUP, {"type": "integer"}, "group.minimum: is missing"),
        (GROUP, {"type": "integer", "minimum": 5, "maximum": 4}, "group.maximum: expected a whole number from 5"),
        (GROUP, {"type": "integer", "minimum": -1, "maximum": 4}, "would take -1 for an option"),
        (GROUP, {"type": "choice", "choices": []}, "group.choices: expected a list of at least one text of printable"),
        (
            GROUP,
            {"type": "choice", "choices": ["a\nb"]},
            "group.choices: expected a list of at least one text of printable",
        ),
        (GROUP, {"type": "text"}, "group.pattern: is missing"),
        (GROUP, {"type": "text", "pattern": "("}, "group.pattern: is not a regular expression"),
        (GROUP, {"type": "name", "pattern": "a"}, "group: unknown key 'pattern'"),
        (GROUP, {"type": "name", "default": "-x"}, "group.default: must be at most 128 letters"),
    ],
)
def test_a_mistake_is_named_with_its_place(runner, tmp_path, place, value, message):
    with pytest.raises(runner.ConfigError, match=message):
        read(runner, tmp_path, changed(place, value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' is there twice"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "braces"),
    ],
)
def test_what_is_no_json_object_is_said(runner, tmp_path, text, message):
    with pytest.raises(runner.ConfigError, match=message):
        read(runner, tmp_path, text)


@pytest.mark.parametrize(
    "address",
    ["https://muster.example.com:8443/ops/", "https://[2001:db8::1]", "http://127.0.0.1:8000", "http://[::1]:60999/m"],
)
def test_an_address_may_have_a_port_and_a_path(runner, tmp_path, address):
    assert read(runner, tmp_path, changed(("server",), address)).server == address


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1.example.com",
        "http://localhost@example.com",
        "https://example.com@example.net",
        "https://muster.example.com?a=1",
        "https://muster.example.com/#a",
        "https://muster.example.com:0x50",
        "https://muster.example.com:65536",
        "https://muster.example.com/a b",
        "https://muster.example.com\n",
        "https://",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_not_only_that_is_refused(runner, tmp_path, address):
    with pytest.raises(runner.ConfigError, match=SERVER):
        read(runner, tmp_path, changed(("server",), address))


def test_parameters_are_called_what_muster_calls_them(runner):
    assert runner.PARAMETER_NAME.pattern == parameters.NAME.pattern


P = {"parameter": "group"}


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["/bin/sh", "-c", P], "sh runs what its arguments say"),
        (["/bin/bash", "/opt/script", P], "bash runs"),
        (["/usr/bin/bash5.2", P], "bash runs"),
        (["/usr/bin/zsh-5.9", P], "zsh runs"),
        (["/usr/bin/env", "lag", P], "env runs"),
        (["/usr/bin/ssh", "host", P], "ssh runs"),
        (["/usr/bin/xargs", "-a", P], "xargs runs"),
        (["/usr/bin/sudo", "/usr/bin/lag", P], "sudo runs"),
        (["/bin/busybox", "sh", P], "busybox runs"),
        (["/usr/bin/timeout", "5", "sh", "-c", P], "timeout runs"),
        (["/usr/bin/kubectl", "exec", "pod", "--", "/bin/bash", "-c", P], "bash runs"),
        (["/usr/bin/awk", P], "awk runs"),
        (["/usr/bin/timeout", "5", P], "timeout runs"),
        (["/usr/bin/python3", "-c", P], "python runs what its arguments say"),
        (["/usr/bin/python3.11", "-Ic", "print(1)", P], "python runs what its arguments say"),
        (["/usr/bin/perl", "-ne", P], "perl runs what its arguments say"),
        (["/usr/bin/perl", "-e1", P], "perl runs what its arguments say"),
        (["/usr/bin/node", "--eval", P], "node runs what its arguments say"),
        (["/usr/bin/node", {"parameter": "group", "prefix": "-e"}], "node runs what its arguments say"),
        (["/usr/bin/ruby", P], "ruby runs what its arguments say"),
        (["/usr/bin/python3", "-m", P], "python runs what its arguments say"),
        (["/usr/bin/docker", "exec", "app", "python", "-c", "1", P], "python runs what its arguments say"),
    ],
)
def test_a_shell_by_another_name_takes_no_parameter(runner, tmp_path, argv, why):
    with pytest.raises(runner.ConfigError, match=f"lag.argv: {why}.*Write what is to be done into a script"):
        read(runner, tmp_path, changed((*ACTION, "argv"), argv))
    settings = changed((*ACTION, "dry_run_argv"), argv)
    with pytest.raises(runner.ConfigError, match=f"lag.dry_run_argv: {why}"):
        read(runner, tmp_path, settings)


def test_a_link_to_a_shell_is_a_shell(runner, tmp_path):
    (tmp_path / "report").symlink_to("/bin/bash")
    with pytest.raises(runner.ConfigError, match="bash runs what its arguments say"):
        read(runner, tmp_path, changed((*ACTION, "argv"), [str(tmp_path / "report"), P]))


@pytest.mark.parametrize(
    "argv",
    [
        ["/usr/bin/python3", "/opt/lag.py", P],
        ["/usr/bin/python3", "-I", "-m", "lag", P],
        ["/usr/bin/kubectl", "describe", "node", P],
        ["/usr/bin/psql", "-c", "SELECT 1", "-d", P],
        ["/bin/ping", "-c", "3", P],
    ],
)
def test_what_is_no_shell_takes_parameters(runner, tmp_path, argv):
    assert read(runner, tmp_path, changed((*ACTION, "argv"), argv)).actions


def test_a_shell_without_parameters_is_allowed(runner, tmp_path):
    settings = changed((*ACTION, "argv"), ["/bin/sh", "-c", "df -h | grep {} $HOME"])
    del settings["actions"]["lag"]["parameters"]
    action = read(runner, tmp_path, settings).actions["lag"]
    assert action.command({}, dry_run=False) == ["/bin/sh", "-c", "df -h | grep {} $HOME"]


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("config", 0o664, "(config file) may be written by others; run: chmod go-w"),
        ("config", 0o646, "(config file) may be written by others"),
        ("token", 0o620, "(token file) may be written by others"),
        ("token", 0o604, "(token file) may be read by others; run: chmod o="),
    ],
)
def test_files_that_others_may_change_are_refused(place, name, mode, message):
    place.save()
    getattr(place, name).chmod(mode)
    found = place.check()
    assert found.returncode == 1
    assert message in found.stderr


def test_check_shows_the_actions(place):
    place.action("lag", "", {"parameter": "group"}, parameters={"group": {"type": "name"}}, dry_run_argv=["/nowhere"])
    place.save()
    found = place.check()
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[0].split() == [
        "ACTION",
        "EFFECT",
        "DRY",
        "RUN",
        "SECONDS",
        "PROGRAM",
        "PARAMETERS",
    ]
    assert found.stdout.splitlines()[2].split() == ["lag", "reads", "yes", "120", str(place.program), "group", "(name)"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("user", "message"),
    [
        (None, "started as root, the runner needs the name of a user to become"),
        ("root", "must not be root"),
        ("no-such-user", "there is no user no-such-user; run: useradd"),
    ],
)
def test_it_does_not_stay_root(place, user, message):
    place.settings["user"] = user
    if user is None:
        del place.settings["user"]
    place.save()
    found = place.check()
    assert found.returncode == 1
    assert message in found.stderr


def test_a_token_that_is_none_is_refused(place):
    place.token.write_text("mst_" + "a" * 43)
    place.save()
    assert "holds no runner token" in place.check().stderr


def test_the_source_is_valid_for_python_3_9(runner):
    ast.parse(Path(runner.__file__).read_text(), feature_version=(3, 9))
