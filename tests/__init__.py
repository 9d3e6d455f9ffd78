"""Tests; a package so that `tests.browser` is this one wherever it is imported from."""
