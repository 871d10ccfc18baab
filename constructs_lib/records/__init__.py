"""The DNS records of a tenant's subdomain, in their one description.

The hosted zone, the stack's outputs, every setup instruction and the checker use these values. Pure: no
CDK, no I/O.
"""

from constructs_lib.records.email import (
    SES_SPF,
    DkimToken,
    Dmarc,
    DmarcPolicy,
    delegation_record,
    dmarc_value,
    email_records,
)
from constructs_lib.records.extras import (
    CLOUDFRONT_HOSTED_ZONE_ID,
    MtaSts,
    PortalAlias,
    mta_sts_policy,
    ownership_record,
    portal_records,
    report_authorization_records,
)
from constructs_lib.records.model import (
    DEFAULT_TTL_SECONDS,
    TXT_VALUE_CHARACTERS,
    DnsRecord,
    Purpose,
    RecordType,
    in_zone,
    txt_rdata,
    txt_strings,
    zone_file_line,
)

__all__ = [
    "CLOUDFRONT_HOSTED_ZONE_ID",
    "DEFAULT_TTL_SECONDS",
    "SES_SPF",
    "TXT_VALUE_CHARACTERS",
    "DkimToken",
    "Dmarc",
    "DmarcPolicy",
    "DnsRecord",
    "MtaSts",
    "PortalAlias",
    "Purpose",
    "RecordType",
    "delegation_record",
    "dmarc_value",
    "email_records",
    "in_zone",
    "mta_sts_policy",
    "ownership_record",
    "portal_records",
    "report_authorization_records",
    "txt_rdata",
    "txt_strings",
    "zone_file_line",
]
