"""The operations, one file a resource; each is a few lines over a domain function."""
