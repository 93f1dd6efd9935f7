"""A sweep to look at: ``panels`` says what is shown, ``html`` makes one page of it, ``wandb`` a workspace."""
