"""The wire contract: CFX (IPC-2591) envelopes, typed messages, topics and receipts.

A leaf: nothing here knows of the database, the broker or the product's own words. Spelling quirks
of the wire stay here.
"""
