"""One page of one run: ``content`` reads what it has left, ``charts`` draws, ``html`` makes the page."""
