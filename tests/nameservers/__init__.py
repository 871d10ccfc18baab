"""A small internet of real name servers on loopback: a signed root, customers' servers, ours, and a validating resolver."""

from tests.nameservers.internet import Internet
from tests.nameservers.lax import LaxServer
from tests.nameservers.servers import Server

__all__ = ["Internet", "LaxServer", "Server"]
