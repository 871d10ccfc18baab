"""Self-service settings of an organisation: domains and their proof, addresses, signatures, limits.

Pure but for `store`: values in, decisions out. Names arrive in the normal form of `constructs_lib.names`.
"""
