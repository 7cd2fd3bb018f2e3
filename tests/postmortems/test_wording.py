"""What people wrote in notes, on one line of plain text."""

from __future__ import annotations

import pytest

from postmortems.wording import quoted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The disk is **full** on `kafka-4`.", "The disk is full on kafka-4."),
        ("It is up:\n\n```text\n$ df | sort\n/dev/sda 100%\n```\n\nSince noon.", "It is up: … Since noon."),
        ("Flush times:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nNo others.", "Flush times: … No others."),
        ("```\nnever closed", "…"),
        ("a | b\r\nc", "a | b c"),
    ],
)
def test_marks_code_and_tables_are_left_out(text, said):
    assert quoted(text) == said
