"""Django admin as a whole: people sign in to it as they do everywhere, second step included."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin

admin.site.site_header = "Muster admin"
admin.site.index_title = "What admins maintain"
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
