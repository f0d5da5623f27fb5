# SPDX-License-Identifier: Apache-2.0
"""A small internet on one machine: see world.World."""
from .internet import World, Unavailable  # noqa: F401
