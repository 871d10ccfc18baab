"""What an organisation sets itself: its domains, addresses, signatures and limits, and how a domain becomes its own.

Pure but for `store`: values in, decisions out. Names reach it in the one normal form of `constructs_lib.names`.
"""
