"""The scanner of attachments, and the mirror of its definitions."""

from constructs_lib.scanning.attachment_scanner import AttachmentScanner, AttachmentScannerProps
from constructs_lib.scanning.signature_mirror import SignatureMirror

__all__ = ["AttachmentScanner", "AttachmentScannerProps", "SignatureMirror"]
