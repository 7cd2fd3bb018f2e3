"""Logos: what was uploaded is read as a picture, scaled down and written anew, so that only a picture is kept."""

from __future__ import annotations

from io import BytesIO

from django.core.exceptions import ValidationError
from PIL import Image, ImageOps, UnidentifiedImageError

LARGEST_UPLOAD = 200 * 1024
WIDEST, HIGHEST = 640, 160
MOST_PIXELS = 16_000_000
LONGEST_SIDE = 8000  # a picture of one pixel by millions costs half a gigabyte to scale down
FORMATS = ("PNG", "JPEG", "WEBP")
CONTENT_TYPE = "image/png"


def drawn(data: bytes) -> bytes:
    """The uploaded picture as a PNG that fits ``WIDEST`` by ``HIGHEST``. Raises ValidationError for anything that is
    no PNG, JPEG or WebP, whatever it is called, and for what is too large."""
    if len(data) > LARGEST_UPLOAD:
        raise ValidationError({"logo": "A logo may have 200 KB at most."})
    if b"<svg" in data[:2000].lower():
        raise ValidationError({"logo": "An SVG can carry programs. Save it as PNG or WebP, at twice its size."})
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS or max(picture.size) > LONGEST_SIDE:
                raise ValidationError({"logo": "This picture has too many pixels; 640 by 160 are enough."})
            return _written(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise ValidationError({"logo": "This is no PNG, JPEG or WebP picture."}) from None


def _written(picture: Image.Image) -> bytes:
    flat = ImageOps.exif_transpose(picture).convert("RGBA")
    flat.thumbnail((WIDEST, HIGHEST))
    # A copy of the pixels alone: no comments, profiles or places where it was taken.
    bare = Image.new("RGBA", flat.size)
    bare.paste(flat)
    out = BytesIO()
    bare.save(out, "PNG", optimize=True)
    return out.getvalue()
