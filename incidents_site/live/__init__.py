"""The event stream of open pages, ``/live``: raw ASGI, so that an open page costs kilobytes and no thread.

``hub`` knows who listens in this process, ``line`` hears through Redis what the other processes say, ``access`` decides
who may listen and looks again, ``presence`` keeps who looks at what, and ``stream`` is the ASGI application.
"""
