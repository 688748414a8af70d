"""Grading: answers by a judge, one by one or side by side, and how far judges agree."""

from curate.grading.agree import Agreed as Agreed
from curate.grading.agree import agree as agree
from curate.grading.files import read_answers as read_answers
from curate.grading.gold import read_gold as read_gold
from curate.grading.schema import COMPARISONS as COMPARISONS
from curate.grading.schema import GRADES as GRADES
from curate.grading.schema import GradesError as GradesError
from curate.grading.schema import read_comparisons as read_comparisons
from curate.grading.schema import read_grades as read_grades
from curate.grading.schema import write_lines as write_lines
from curate.grading.side_by_side import pairwise as pairwise
from curate.grading.singly import grade as grade
