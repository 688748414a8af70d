"""Grading: answers by a judge, one by one or side by side, and how far judges agree."""

from curate.grading.schema import COMPARISONS, GRADES, GradesError, read_comparisons, read_grades, write_lines
from curate.grading.singly import grade

__all__ = ["COMPARISONS", "GRADES", "GradesError", "grade", "read_comparisons", "read_grades", "write_lines"]
