"""The live feed's readers: sockets, event streams and polling, over the same rows and the same permissions."""
