"""Which addresses a tenant has, where applications can ask for it."""

from constructs_lib.addresses.address_book_writer import AddressBookWriter, AddressBookWriterProps
from mailroom.addresses import AddressBook, DesignatedAddress

__all__ = ["AddressBook", "AddressBookWriter", "AddressBookWriterProps", "DesignatedAddress"]
