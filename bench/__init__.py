"""Benchmarks: one small file each, run by ``python tasks.py bench``."""
