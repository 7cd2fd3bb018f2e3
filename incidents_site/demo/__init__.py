"""Demo data: Finchlight, a made-up company that sells search and analytics, and its last six months.

Everything carries ``is_demo`` and can be taken away again with one command. Names end in ``.example``, a domain
that nobody can own; nothing is ever sent to demo people.
"""
