"""The PostgreSQL and the MQTT broker that a bare machine has no other way to get.

Each runs as a child of the process that owns it and ends with it; other processes of the same data
folder share it. :mod:`.homes` says where files live and who owns them, :mod:`.processes` how a
child is started and ended.
"""
