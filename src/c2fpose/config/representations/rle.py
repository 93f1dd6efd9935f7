"""Residual log-likelihood: a spread, and a normalising flow that learns the shape of what is left."""

from typing import Annotated, Literal

from pydantic import Field

from c2fpose.config.representations import laplace


class Config(laplace.Config):
    """Which loss; what prediction does is the same."""

    # "paper": equation 8 of the paper; "released": what the authors' code computes, where the logarithm of the spread
    # counts twice and the flow's likelihood once a coordinate
    form: Literal["paper", "released"] = "paper"
    # Random draws, half of the flow and half of the Laplace distribution, that estimate the factor which makes a
    # density of their product (form: paper); below 2: left out
    samples: Annotated[int, Field(ge=0, le=100_000)] = 256
