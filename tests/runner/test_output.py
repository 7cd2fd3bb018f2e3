"""What is printed, on its way out: decoded, masked, and never more than its cap."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.live import wait_until

SECRET = "p&ss wörd/77"
CAP = 16_384


def printed(runner, *pieces: bytes, secrets=(), cap=CAP, step=0.0):
    """The output of a program that prints these pieces, so many seconds apart."""
    output, now = runner.Output(cap, secrets), 100.0
    for piece in pieces:
        output.feed(piece, now=now)
        now += step
    output.close(now=now)
    return output


def spellings() -> list[str]:
    return [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        '"p&ss w\\u00f6rd/77"',
    ]


def test_a_secret_is_masked_wherever_a_chunk_ends(runner):
    secrets = runner.disguises(SECRET.encode() + b"\n")
    for spelling in spellings():
        data = f"before {spelling} after\n".encode()
        for cut in range(len(data) + 1):
            text = printed(runner, data[:cut], data[cut:], secrets=secrets, step=5.0).text
            assert "••••" in text
            assert text.replace("•", "").replace('"', "").split() == ["before", "after"], (spelling, cut)


def test_masking_does_not_depend_on_the_pieces(runner):
    chance = random.Random(7)
    secrets = {"xab", "abcd", "aaaa", "line\nend", "ba"}
    for _ in range(400):
        whole = "".join(
            chance.choice(["xab", "abc", "d", "a", "aaaa", "line\n", "end", " ", "é"]) for _ in range(12)
        ).encode()
        at, pieces = 0, []
        while at < len(whole):
            size = chance.randint(1, 7)
            pieces.append(whole[at : at + size])
            at += size
        text = printed(runner, *pieces, secrets=secrets, step=2.0).text
        one = printed(runner, whole, secrets=secrets).text
        assert not any(secret in text for secret in secrets), whole
        assert [part for part in text.split("•") if part] == [part for part in one.split("•") if part], whole


def test_the_beginning_of_a_secret_at_the_very_end_is_masked(runner):
    assert printed(runner, b"it is correct-hor", secrets={"correct-horse"}).text == "it is ••••"
    assert printed(runner, b"it is cor", secrets={"correct-horse"}).text == "it is cor"


def test_secrets_shorter_than_four_characters_are_no_secrets(runner):
    assert runner.disguises(b"abc\n") == set()


def test_each_line_of_a_file_is_a_secret(runner):
    secrets = runner.disguises(b"first-line\r\nsecond-line\n")
    assert printed(runner, b"a second-line b first-line c\n", secrets=secrets).text == "a •••• b •••• c\n"


def test_an_unfinished_line_waits_a_second_or_for_four_kilobytes(runner):
    output = runner.Output(CAP, ())
    output.feed(b"done\nunfin", now=10.0)
    assert output.text == "done\n"
    output.feed(b"ished", now=10.9)
    assert output.text == "done\n"
    output.feed(b"", now=11.1)
    assert output.text == "done\nunfinished"
    output.feed(b"x" * 4096, now=11.2)
    assert len(output.text) == 15 + 4096


def test_characters_that_are_cut_in_two_are_whole_and_controls_are_replaced(runner):
    whole = "ä€😀\n".encode()
    assert printed(runner, *[whole[at : at + 1] for at in range(len(whole))]).text == "ä€😀\n"
    assert printed(runner, b"a\0b\x1b[31mc\x7f\td\xff\n\xe2\x80\xaee\r\nf\rg").text == "a�b�[31mc�\td�\n�e\nf\ng"


def test_too_much_keeps_the_beginning_and_the_last_eight_kilobytes(runner):
    lines = [f"line {number:06}\n".encode() for number in range(20_000)]
    output = printed(runner, *lines)
    head, note, tail = output.text.partition(f"… {output.left_out} bytes left out …\n")
    assert note
    assert len(output.text.encode()) <= CAP
    assert head.encode().startswith(b"".join(lines)[:8000])
    assert b"".join(lines).endswith(tail.encode())
    assert len(tail) > 8000
    assert output.left_out == sum(map(len, lines)) - len(head.rstrip("\n")) - len(tail)


@pytest.mark.parametrize("extra", [0, 1])
def test_exactly_the_cap_is_not_too_much(runner, extra):
    room = CAP - 64  # the line that would say what is missing has room, too
    output = printed(runner, b"x" * (room + extra))
    assert bool(output.left_out) == bool(extra)
    assert len(output.text.encode()) <= CAP


def test_nothing_is_cut_within_a_character(runner):
    for shift in range(4):
        output = printed(runner, b"x" * shift, "😀".encode() * 30_000)
        assert set(output.text.partition("\n…")[0]) <= {"x", "😀"}
        assert set(output.text.partition("out …\n")[2]) == {"😀"}


@pytest.mark.enable_socket
def test_a_flood_does_not_fill_the_memory_and_its_secrets_stay(muster, place):
    place.action(
        "flood",
        "pw = os.environ['PW']; chunk = (f'{pw} ' + 'x' * 90 + '\\n') * 640\n"
        "for n in range(200): os.write(1, chunk.encode())\n"
        "os.write(1, b'last half ' + pw[:4].encode()); time.sleep(1.1); os.write(1, pw[4:].encode())",
        environment={"PW": {"file": str(place.write("password", "hunter22"))}},
        output_bytes=CAP,
    )
    told = muster.ask(1, "flood")
    process = place.start()
    muster.wait_for_end(1, within=20)
    peak = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line)
    assert int(peak.split()[1]) < 60_000
    assert told.outcome == "done"
    assert len(told.text.encode()) <= CAP
    assert told.ends[0]["left_out"] > 10_000_000
    assert told.text.endswith("last half ••••")
    assert "hunt" not in told.text
    assert "er22" not in told.text


@pytest.mark.enable_socket
def test_the_runners_own_token_never_leaves_in_an_output(muster, place):
    place.action("token", f"print(Path({str(place.token)!r}).read_text().strip()[::1])")
    told = muster.ask(1, "token")
    place.start()
    muster.wait_for_end(1)
    wait_until(lambda: told.text, "nothing came")
    assert told.text == "••••\n"
