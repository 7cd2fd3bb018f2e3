"""Addresses inside Muster: what admins set up. What the public reads is in ``statuspage.public_urls``."""

from django.urls import path

from statuspage import component_views, page_views, panel_views, subscriber_views

app_name = "statuspage"
urlpatterns = [
    path("status-pages/", page_views.page_list, name="page_list"),
    path("status-pages/new", page_views.page_new, name="page_new"),
    path("status-pages/<slug:slug>", page_views.page_detail, name="page_detail"),
    path("status-pages/<slug:slug>/edit", page_views.page_edit, name="page_edit"),
    path("status-pages/<slug:slug>/remove", page_views.page_remove, name="page_remove"),
    path("status-pages/<slug:slug>/logo", page_views.page_logo, name="page_logo"),
    path("status-pages/<slug:slug>/groups/new", component_views.group_new, name="group_new"),
    path("status-pages/<slug:slug>/groups/<slug:public_id>", component_views.group_edit, name="group_edit"),
    path("status-pages/<slug:slug>/groups/<slug:public_id>/remove", component_views.group_remove, name="group_remove"),
    path("status-pages/<slug:slug>/groups/<slug:public_id>/move", component_views.group_move, name="group_move"),
    path("status-pages/<slug:slug>/components/new", component_views.component_new, name="component_new"),
    path("status-pages/<slug:slug>/components/<slug:public_id>", component_views.component_edit, name="component_edit"),
    path(
        "status-pages/<slug:slug>/components/<slug:public_id>/remove",
        component_views.component_remove,
        name="component_remove",
    ),
    path(
        "status-pages/<slug:slug>/components/<slug:public_id>/move",
        component_views.component_move,
        name="component_move",
    ),
    path("status-pages/<slug:slug>/subscribers/", subscriber_views.subscriber_list, name="subscriber_list"),
    path("status-pages/<slug:slug>/subscribers/import", subscriber_views.subscriber_import, name="subscriber_import"),
    path(
        "status-pages/<slug:slug>/subscribers/export.csv", subscriber_views.subscriber_export, name="subscriber_export"
    ),
    path(
        "status-pages/<slug:slug>/subscribers/<int:pk>/remove",
        subscriber_views.subscriber_remove,
        name="subscriber_remove",
    ),
    path("incidents/<str:reference>/public", panel_views.incident_panel, name="incident_panel"),
]
