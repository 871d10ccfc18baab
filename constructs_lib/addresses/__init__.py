"""The tenants' address books, which applications read."""

from constructs_lib.addresses.address_book_writer import AddressBookWriter, AddressBookWriterProps
from mailroom.addresses import AddressBook, DesignatedAddress

__all__ = ["AddressBook", "AddressBookWriter", "AddressBookWriterProps", "DesignatedAddress"]
