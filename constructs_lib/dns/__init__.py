"""Hosted zone of a subdomain, its records and its delegation."""

from constructs_lib.dns.record_batch import RecordBatch
from constructs_lib.dns.subdomain_zone import ParentZone, SubdomainZone

__all__ = ["ParentZone", "RecordBatch", "SubdomainZone"]
