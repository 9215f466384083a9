"""Programs at the line: each tells the product over CFX what its machine did, and loses nothing.

A station is a *machine* (`machine`, and a module for every kind), a *spool* that has an event on
disk before the machine is told that it is safe, and a *link* that publishes it until a receipt says
that the product has it. `station` puts the three together, `simulator` runs a whole line of them
with simulated machines, and every kind runs alone as ``python -m stations.aoi`` and so on.

Of the product they know the wire contract (`app.cfx`) and how a code is read (`app.decoding`).
"""
