"""What strangers may open: under /status/ here, or alone on a page's own domain.

``statuspage.middleware`` answers them before all else. ``document`` takes whatever path is left, so it stays the last.
"""

from django.urls import path

from statuspage import public_views, subscriber_views

app_name = "status"
urlpatterns = [
    path("", public_views.document, name="default"),
    path("subscribe", subscriber_views.subscribe, name="subscribe_default"),
    path("<slug:slug>/subscribe", subscriber_views.subscribe, name="subscribe"),
    path("<slug:slug>/confirm/<str:token>", subscriber_views.confirm, name="confirm"),
    path("<slug:slug>/manage/<str:token>", subscriber_views.manage, name="manage"),
    path("<slug:slug>/unsubscribe/<str:token>", subscriber_views.unsubscribe, name="unsubscribe"),
    path("<path:path>", public_views.document, name="document"),
]
