"""Where a person is: ``scene`` draws room, seat and light, ``furniture`` makes the pieces."""
