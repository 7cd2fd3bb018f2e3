"""Addresses of this app."""

from __future__ import annotations

from django.urls import path

from metrics import csv_views, drilldown_views, load_views, report_views, settings_views, views

app_name = "metrics"

urlpatterns = [
    path("metrics/", views.overview, name="overview"),
    path("metrics/on-call", load_views.on_call, name="on_call"),
    path("metrics/pages", load_views.pages, name="pages"),
    path("metrics/leadership", report_views.leadership_page, name="leadership"),
    path("metrics/report.pdf", report_views.pdf, name="pdf"),
    path("metrics/reports", report_views.report_list, name="reports"),
    path("metrics/reports/choose", report_views.choose_reports, name="choose_reports"),
    path("metrics/reports/<int:pk>.pdf", report_views.report_file, name="report_file"),
    path("metrics/incidents", drilldown_views.incidents, name="incidents"),
    path("metrics/csv/<str:chart>", csv_views.csv, name="csv"),
    path("metrics/settings", settings_views.settings, name="settings"),
]
