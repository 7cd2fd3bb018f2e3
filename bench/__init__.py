"""Measurements that issues ask for. ``script/prove`` runs them all, ``script/prove intake chaos`` some of them.

They start real processes on free ports of loopback and need nothing that is running. They print tables and fail only
where a promise is broken (something lost, a 5xx); how fast a machine is, is reported and judged by people.
"""
