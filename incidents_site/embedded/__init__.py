"""PostgreSQL and Redis as children of Muster, for installations that bring neither.

We run the binaries ourselves: they listen on the loopback address only, with generated passwords, keep their data
in ``MUSTER_DATA``, and end when the process that started them ends.
"""


class EmbeddedError(Exception):
    """An embedded service cannot run here; the message says why and what would help."""
