"""The English texts."""

from __future__ import annotations

from typing import Final

from constructs_lib.records import Purpose
from email_stack.dns_setup.wording import Texts
from email_stack.dnscheck.model import Status

__all__ = ["ENGLISH"]

ENGLISH: Final = Texts(
    ui={
        "action": "What to do",
        "also_read": "As people read it",
        "as_expected": "as expected",
        "checked_at": "Checked",
        "copied": "Copied: {what}",
        "copy": "Copy",
        "copy_failed": "Your browser did not let us copy. Please select the text and copy it yourself.",
        "copy_zone_file": "Copy all as zone file",
        "cut_left": "Remove the NS records of {name} from the zone {parent}: they delegate it to {servers}, where queries "
        "for it get no answer, and hide every record at and below it.",
        "cut_served": "The zone {parent} delegates {name} to {servers}. Create the records at and below {name} there, in the zone "
        "{name}, or remove the NS records of {name} from {parent} and create the records in {parent}.",
        "delegated_intro": "One NS record set in the zone {zone} hands {subdomain} over to our name servers. We then keep "
        "every record that e-mail needs there, and you have no further work with it.",
        "finding_details": "In detail",
        "fix_behind": "This name leads to {name} by a CNAME, which other records need. Keep the CNAME, and create this "
        "record at {name}.",
        "fix_cut": "Create this record in the zone {name}, which your zone delegates: in your own zone it would have no effect.",
        "fix_delegated_away": "Create this record, or keep it, and remove the NS records of {name}, which hide it.",
        "fix_found": "Such a record stands at {name} with type {type}. Create it with the name, type and value shown "
        "here instead, and delete the other unless {name} needs it itself.",
        "fix_spf": "Keep the SPF record that is there, and change it so that it also allows what the one shown here "
        "allows, and ends in ~all or -all.",
        "footer": "The records stay in use for as long as e-mail is sent from {subdomain}. Please do not remove them.",
        "full_name": "Full name",
        "identity": "Domain",
        "dkim": "DKIM signature",
        "in_place": "{done} of {total} required records are in place",
        "in_zone_of": "For the zone that holds {zone}",
        "kept": "In place through {via}: please keep that as it is.",
        "language": "Language",
        "long_txt": "Longer than 255 characters: paste it as one value. Where a panel refuses that, use the zone file below, "
        "where it is split as DNS requires.",
        "mail_from": "Bounce domain (MAIL FROM)",
        "mail_server": "Mail server",
        "mx_hint": "If there is one field only, enter {value}.",
        "name": "Name",
        "name_server": "Name server {number}",
        "named_above": "Name the same name servers for {zone} in the zone {parent}, by your registrar, and in {zone} itself: only "
        "{parent} names {servers}.",
        "named_inside": "Name the same name servers for {zone} in the zone {parent}, by your registrar, and in {zone} itself: only "
        "{zone} names {servers}.",
        "no_answer": "no such record",
        "not_checked": "Not checked yet",
        "not_checked_text": "These records have not been checked yet.",
        "note": "Worth knowing",
        "optional": "Optional",
        "optional_heading": "Optional records",
        "optional_intro": "E-mail works without these records, and is better with them.",
        "outside_heading": "Records for other zones",
        "outside_intro": "These records are not part of {zone}. Each belongs in the zone that its heading names; the manager of "
        "that zone installs it.",
        "priority": "Priority",
        "purpose": "Purpose",
        "record": "Record {number}",
        "records_heading": "Records to create",
        "resolver": "public resolver",
        "seen": "What we saw",
        "self_managed_intro": "Your DNS stays with you. The {count} records below in the zone {zone} let us send and receive "
        "e-mail for {subdomain}.",
        "ses_heading": "What Amazon SES says",
        "ses_intro": "Amazon SES, which sends and receives the mail, looks at the same records by itself.",
        "skip": "Skip to the records",
        "state": "State",
        "status_heading": "Current state",
        "steps_heading": "What to do",
        "subdomain": "Subdomain",
        "tenant": "Customer id",
        "title": "DNS records for {subdomain}",
        "ttl": "TTL",
        "type": "Type",
        "value": "Value",
        "zone": "Zone",
        "zone_file_heading": "All records as a zone file",
        "zone_file_intro": "For name servers that read zone files, or panels that import them. Names are absolute.",
    },
    steps_delegated=(
        "Sign in where the DNS of {zone} is managed.",
        "Create the NS record set below, with all of its {count} name servers. Many panels add {zone} to the name by "
        "themselves: there, enter only the short name {host}. Remove other NS records of the same name.",
        "Leave the name servers of {zone} itself as they are, in the zone and at the registrar: ours serve {subdomain} only, and "
        "with them at {zone} its website and mail would be down.",
        "Move or delete other records at or below {subdomain}: once the delegation is in place, they are no longer seen.",
        "If {zone} is signed with DNSSEC, add no DS record for {subdomain} unless we send you one.",
        "Tell us when it is done. We check the delegation and create everything else; this needs nothing more from you.",
    ),
    steps_self_managed=(
        "Sign in where the DNS of {zone} is managed.",
        "Create the {count} records below. Many panels add {zone} to the name by themselves: there, enter only the short "
        "name. If yours wants full names, take the full name, with a dot at the end if it asks for one.",
        "Paste each value whole, without line breaks, and TXT values without quotation marks unless your panel asks for them.",
        "Replace what is already there: one name may have only one SPF record (v=spf1), only one DMARC record (v=DMARC1), and "
        "beside a CNAME nothing else. An MX record of another mail service would take part of the mail away.",
        "If your DNS service offers a proxy for CNAME records, switch it off for these (DNS only).",
        "Tell us when it is done. We check each record; changes may take up to an hour until they are seen everywhere.",
    ),
    purposes={
        Purpose.DELEGATION: "Delegation",
        Purpose.DKIM: "DKIM signature",
        Purpose.DMARC: "DMARC policy",
        Purpose.DMARC_REPORTS: "Permission to send DMARC reports",
        Purpose.INBOUND: "Incoming mail",
        Purpose.MAIL_FROM: "Returned mail",
        Purpose.MTA_STS: "Encrypted delivery (MTA-STS)",
        Purpose.OWNERSHIP: "Proof of ownership",
        Purpose.PORTAL: "Customer portal",
        Purpose.SPF: "SPF: permitted senders",
        Purpose.TLS_REPORTS: "Reports on encryption",
        Purpose.TRACKING: "Image in mail",
    },
    purpose_sentences={
        Purpose.DELEGATION: "Hands the subdomain over to our name servers, which then answer for everything at and below it.",
        Purpose.DKIM: "Lets receivers find the key with which our signature is checked. The key is changed behind this name "
        "from time to time, without work for you.",
        Purpose.DMARC: "Tells receivers what to do with mail that pretends to come from this subdomain.",
        Purpose.DMARC_REPORTS: "Lets receivers send their reports on this subdomain to an address at another domain.",
        Purpose.INBOUND: "Sends mail to addresses at this subdomain to our servers.",
        Purpose.MAIL_FROM: "Takes back the messages that could not be delivered.",
        Purpose.MTA_STS: "Tells senders to deliver only over an encrypted connection.",
        Purpose.OWNERSHIP: "Shows that the subdomain belongs to the organisation that registered it.",
        Purpose.PORTAL: "Leads to the customer portal at the subdomain itself.",
        Purpose.SPF: "Names the servers that may send mail in this name.",
        Purpose.TLS_REPORTS: "Asks senders to report when encryption did not work.",
        Purpose.TRACKING: "Lets the image that tells of opened mail carry your own name instead of Amazon's.",
    },
    status_words={
        Status.OK: "In place",
        Status.PENDING: "Spreading",
        Status.NOT_EVERYWHERE: "Not at every provider",
        Status.SERVERS_DIFFER: "Name servers differ",
        Status.MISSING: "Missing",
        Status.WRONG: "Wrong value",
        Status.EXTRA: "Too many values",
        Status.DOUBLED_NAME: "Name doubled",
        Status.SPLIT_WRONG: "Value split wrongly",
        Status.CNAME_CONFLICT: "CNAME in the way",
        Status.DUPLICATE_SPF: "Two SPF records",
        Status.DUPLICATE_DMARC: "Two DMARC records",
        Status.TOO_MANY_LOOKUPS: "Too many SPF look-ups",
        Status.DELEGATION_MISSING: "Not delegated yet",
        Status.DELEGATION_PARTIAL: "Name servers incomplete",
        Status.WRONG_LEVEL: "Name servers at the wrong domain",
        Status.DELEGATED_AWAY: "Hidden by a delegation",
        Status.LAME: "Name server gives no answer",
        Status.DNSSEC_BOGUS: "DNSSEC signature invalid",
        Status.UNREACHABLE: "No server answered",
    },
    status_fixes={
        Status.OK: "",
        Status.PENDING: "Nothing to do: the record is right and is still spreading. Please wait until its TTL has passed.",
        Status.NOT_EVERYWHERE: "Some of your zone's name servers do not have this record, and will not get it by themselves: "
        "create it at each of your DNS providers, or remove name servers that you no longer use, in the zone and at the registrar.",
        Status.SERVERS_DIFFER: "Name the same name servers at the registrar and in the zone itself.",
        Status.MISSING: "Create this record with the name, type and value shown here.",
        Status.WRONG: "Replace the value that is there now with the one shown here.",
        Status.EXTRA: "Remove the other values at this name and keep only the one shown here.",
        Status.DOUBLED_NAME: "Your panel adds the zone to the name by itself: enter only the short name, and delete the "
        "record whose name ends in the zone twice.",
        Status.SPLIT_WRONG: "Enter the value anew as one piece, or split it exactly as in the zone file, with no "
        "space lost or added.",
        Status.CNAME_CONFLICT: "Delete the CNAME record at this name, then create the record shown here.",
        Status.DUPLICATE_SPF: "Keep one record that begins with v=spf1 at this name: put everything it must "
        "allow into that one.",
        Status.DUPLICATE_DMARC: "Keep only the record that begins with v=DMARC1 and is shown here; delete the other.",
        Status.TOO_MANY_LOOKUPS: "Remove entries of the SPF record that are no longer needed: at most 10 look-ups are allowed, "
        "and at most 2 without an answer.",
        Status.DELEGATION_MISSING: "Create the NS record set with all of the name servers shown here.",
        Status.DELEGATION_PARTIAL: "Add the missing name servers to the NS record set, so that it holds all that "
        "are shown here, and no other.",
        Status.WRONG_LEVEL: "Take our name servers out of the NS records of the domain above, in its zone and at its registrar, "
        "and put its own name servers back: only the NS record set shown here names ours. Until then the domain's website and mail "
        "are down, or fail now and then.",
        Status.DELEGATED_AWAY: "Remove the NS records that delegate this name away: they hide every record at and below it.",
        Status.LAME: "Compare the NS record set with the one shown here and remove servers that are not in it; if it is the "
        "same, please tell us.",
        Status.DNSSEC_BOGUS: "Remove the DS record of this name, or sign the zone anew: until then, checking "
        "resolvers refuse every answer.",
        Status.UNREACHABLE: "Make sure that the name servers of your zone answer from the internet, over UDP and TCP, port 53.",
    },
    overall={
        Status.OK: "Everything is in place. There is nothing more to do.",
        Status.PENDING: "Almost done: what is needed is entered, and still has to be seen everywhere.",
        Status.WRONG: "There is still something to do: each record below says what.",
    },
    ses_words={
        "SUCCESS": "verified",
        "PENDING": "waiting for the records",
        "TEMPORARY_FAILURE": "not seen for the moment; SES tries again by itself",
        "FAILED": "not found in time; we start the verification again",
        "NOT_STARTED": "not started",
    },
)
