"""The test set to scores: ``test_set`` runs a network over it, ``scores`` makes errors and tables;
``sources`` measures the sources of a mix apart."""
