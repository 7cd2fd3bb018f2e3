"""The fixed words of public pages: one module a language, with the same names and the same keys in each."""
