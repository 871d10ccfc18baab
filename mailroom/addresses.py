"""Designated addresses: which ones a tenant has, and what each may do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["AddressBook", "DesignatedAddress"]


@dataclass(frozen=True, slots=True)
class DesignatedAddress:
    """An address within a tenant's subdomain.

    Args:
        address: in full; local part and A-labels in lower case.
        name: display name. Default: none.
        sends: whether mail may be sent from it. Default: True.
        receives: whether it receives mail. Default: True.
    """

    address: str
    name: str = ""
    sends: bool = True
    receives: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressBook:
    """The addresses of a subdomain that may send and receive.

    Args:
        subdomain: A-labels, lower case.
        addresses: the designated addresses.
        catch_all: whether every address of the subdomain receives, designated or not. Default: False.
        live: whether the subdomain sends and receives mail. Default: True.
        primary: address that the tenant's organisation names first; "" for none. Default: "".
        written: time at which the deployed book was last confirmed, with a time zone. Default: None, the book is not deployed.
    """

    subdomain: str
    addresses: tuple[DesignatedAddress, ...]
    catch_all: bool = False
    live: bool = True
    primary: str = ""
    written: datetime | None = None

    @property
    def senders(self) -> tuple[DesignatedAddress, ...]:
        """Addresses that may send."""
        return tuple(one for one in self.addresses if one.sends) if self.live else ()

    def may_send(self, address: str) -> bool:
        """Whether mail may be sent from the address. Upper and lower case differ, because IAM compares letter by letter.

        Args:
            address: address in full.

        Source: IAM user guide, "String condition operators"; SES developer guide, `ses:FromAddress`.
        """
        return any(one.address == address for one in self.senders)

    def may_receive(self, address: str) -> bool:
        """Whether the subdomain receives mail to the address. Ignores case and a label after a plus sign, as SES does.

        Args:
            address: address in full.

        Source: SES developer guide, "Creating receipt rules", recipient conditions.
        """
        local, at, domain = address.lower().rpartition("@")
        if not (self.live and at and local and domain == self.subdomain):
            return False
        plain = f"{local.partition('+')[0]}@{domain}"
        return self.catch_all or any(
            one.receives and one.address in {f"{local}@{domain}", plain} for one in self.addresses
        )
