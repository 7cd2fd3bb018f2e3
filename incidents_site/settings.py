"""Django's settings. Everything that differs between installations comes from ``incidents_site.config``."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

from incidents_site import logs
from incidents_site.config import BASE_DIR, Config, ConfigError, load

try:
    MUSTER: Config = load(os.environ)
except ConfigError as error:
    sys.exit(f"Muster cannot start: {error}")

# pytest serves static files from the source folders, without a manifest that somebody must build first.
IS_TEST_RUN = "pytest" in sys.modules

SECRET_KEY = MUSTER.secret_key
DEBUG = False
ALLOWED_HOSTS = list(MUSTER.allowed_hosts)
APPEND_SLASH = False
FORMS_URLFIELD_ASSUME_HTTPS = True  # what Django 6 does by itself
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
ROOT_URLCONF = "incidents_site.urls"
WSGI_APPLICATION = "incidents_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # the proxy redirects to https; Muster itself never redirects a request that carries a body
    "security.W021",  # preloading HSTS is the domain owner's decision
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "core",
    "accounts",
    "notifications",
    "oncall",
    "catalog",
    "incidents",
    "automation",
    "alerts",
    "runbooks",
    "postmortems",
    "followups",
    "statuspage",
    "home",
    "metrics",
    "api",
    "incidents_site",
]

MIDDLEWARE = [
    "incidents_site.proxies.trusted_proxies",
    "statuspage.middleware.public_first",
    "alerts.middleware.intake_first",
    "incidents_site.slashes.either_slash",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # with random padding against BREACH, so that CSRF tokens stay secret
    "incidents_site.cookies.storable_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.own_time_zone",
    "accounts.middleware.LateForms",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "incidents_site.context.shell",
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    """The connection for ``url``; without one, a stand-in that fails loudly when a query is made."""
    if not url:
        return {"ENGINE": "django.db.backends.dummy"}
    parts = urlsplit(url)
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    # A pool keeps connections to a test database open that is about to be dropped.
    pool = {"min_size": 1, "max_size": 10, "timeout": 3, "max_idle": 300, "reconnect_timeout": 30}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or 5432,
        "NAME": unquote(parts.path.lstrip("/")) or "muster",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3, "application_name": "muster"}
        | options
        | ({} if IS_TEST_RUN else {"pool": pool}),
    }


DATABASES = {"default": _database(MUSTER.database_url)}

# Rate limits of the sign-in page live here. Not in Redis: sign-in must work without it.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "muster"}}

# People and sign-in.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if IS_TEST_RUN:  # the real one takes a third of a second on purpose
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "accounts.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if MUSTER.is_https else "http"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Muster"
MFA_TOTP_TOLERANCE = 1

# Cookies, headers and what the browser may load.
SESSION_COOKIE_NAME = "muster_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = MUSTER.is_https
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_NAME = "muster_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "accounts.kept_views.csrf_failure"
CSRF_COOKIE_SECURE = MUSTER.is_https
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(MUSTER.base_url))]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if MUSTER.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# Language and time: stored and computed in UTC, shown in the reader's zone.
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# Static files.
STATIC_URL = "/static/"
STATIC_ROOT = MUSTER.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_TEST_RUN
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = IS_TEST_RUN
MEDIA_ROOT = MUSTER.data_dir / "media"

# E-mail: everything that Django sends goes through the outbox, which remembers what was sent.
EMAIL_BACKEND = "notifications.mail.OutboxBackend"
DEFAULT_FROM_EMAIL = MUSTER.default_from_email
SERVER_EMAIL = MUSTER.default_from_email

# Celery carries no facts, so nothing about it needs to be durable.
CELERY_BROKER_URL = MUSTER.redis_url or "memory://"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 60, "unacked_restore_throttle": 1}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_TIMEZONE = "UTC"

logs.configure()
LOGGING = logs.logging_config()

if MUSTER.sentry_dsn:
    try:
        import sentry_sdk
    except ImportError:
        sys.exit("Muster cannot start: SENTRY_DSN is set, expected the package sentry-sdk to be installed")
    sentry_sdk.init(dsn=MUSTER.sentry_dsn, send_default_pii=False)
