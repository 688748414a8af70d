"""How diverse a set is: numbers on vectors, beside those of random draws from the same pool."""

from curate.report.diversity.comparison import compare, domain_counts, draw, ladder, measure
from curate.report.diversity.metrics import (
    cluster_entropy,
    codebook,
    coverage_radius,
    facility_location,
    mean_pairwise_distance,
    nearest_neighbour_distance,
    pairs_above,
    vendi,
)

__all__ = [
    "cluster_entropy",
    "codebook",
    "compare",
    "coverage_radius",
    "domain_counts",
    "draw",
    "facility_location",
    "ladder",
    "mean_pairwise_distance",
    "measure",
    "nearest_neighbour_distance",
    "pairs_above",
    "vendi",
]
