"""What every station uses and none owns.

``errors`` is what users see; ``files`` writes a file whole, ``lock`` keeps a directory for one process, ``signals``
ends a command in one line; ``provenance`` says what a result was made by; ``table`` is a table as text;
``host_memory`` keeps freed memory.
"""
