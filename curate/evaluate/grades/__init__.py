"""Grading: answers by a judge, one by one or side by side, and how far judges agree."""

from curate.evaluate.grades.agreement import Agreement as Agreement
from curate.evaluate.grades.agreement import agree as agree
from curate.evaluate.grades.agreement import read_gold as read_gold
from curate.evaluate.grades.files import COMPARISONS as COMPARISONS
from curate.evaluate.grades.files import GRADES as GRADES
from curate.evaluate.grades.files import GradesError as GradesError
from curate.evaluate.grades.files import read_answers as read_answers
from curate.evaluate.grades.files import read_comparisons as read_comparisons
from curate.evaluate.grades.files import read_grades as read_grades
from curate.evaluate.grades.files import write_lines as write_lines
from curate.evaluate.grades.side_by_side import pairwise as pairwise
from curate.evaluate.grades.singly import grade as grade
