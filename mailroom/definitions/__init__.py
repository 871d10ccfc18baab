"""Keeps one verified set of ClamAV's definitions in a bucket, for all scanners of a cell."""
