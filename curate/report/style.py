"""The report's style and script, as they stand in the page."""

from __future__ import annotations

# Colours by what they mean: kept, gone (removed), pool (what was read), alarm (not as asked). Each has a
# contrast of 3 : 1 to the page where it draws, 4.5 : 1 where it writes (WCAG 2.2, 1.4.3 and 1.4.11).
_COLOURS = """
:root {
  --page: #fbfbf9; --card: #ffffff; --ink: #1b1f24; --soft: #58616b; --line: #dcdfe2; --link: #0b5fa5;
  --kept: #0f766e; --gone: #d07a4b; --pool: #7c8895; --track: #e9ebeb;
  --alarm: #a8321a; --alarm-page: #fdf1ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1b1f23; --ink: #e7e9eb; --soft: #a3acb5; --line: #333a41; --link: #7cb8f0;
    --kept: #4db6ac; --gone: #b86b45; --pool: #7d8996; --track: #262b30;
    --alarm: #ff9a7d; --alarm-page: #2d1d18;
  }
}
"""

_TYPE = """
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body {
  margin: 0 auto; max-width: 70rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
a { color: var(--link) }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.skip { position: absolute; left: -999rem }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem }
h1, h2, h3, h4 { line-height: 1.2; text-wrap: balance }
h1 { font-size: clamp(1.9rem, 6vw, 2.8rem); letter-spacing: -.02em; margin: 0 }
h2 { font-size: 1.45rem; letter-spacing: -.01em; margin: 0 0 .75rem }
h3 { font-size: 1.1rem; margin: 1.75rem 0 .5rem }
h3 small { font-weight: 400; color: var(--soft); font-size: .9rem; margin-left: .4rem }
h4 { font-size: .8rem; margin: .75rem 0 .2rem; color: var(--soft); font-weight: 600 }
main > section { margin-top: 3.5rem }
.kicker { margin: 0 0 .35rem; color: var(--soft); font-size: .9rem }
.lede { font-size: 1.2rem; max-width: 46rem; margin: .6rem 0 1.4rem }
.note { max-width: 46rem; color: var(--soft); margin: 0 0 1rem }
code, pre { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
pre {
  background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem;
  overflow-x: auto; overflow-wrap: normal; margin: .5rem 0 1rem;
}
footer { margin-top: 4rem; color: var(--soft); font-size: .88rem }
"""

_TOP = """
.facts {
  display: flex; flex-wrap: wrap; gap: 1px; margin: 0 0 1.4rem; background: var(--line);
  border: 1px solid var(--line); border-radius: .5rem; overflow: hidden;
}
.facts div {
  flex: 1 1 7.5rem; background: var(--card); padding: .7rem 1rem;
  display: flex; flex-direction: column-reverse; justify-content: flex-end;
}
.facts dt { color: var(--soft); font-size: .85rem }
.facts dd {
  margin: 0; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.25;
}
.notices {
  border: 1px solid var(--alarm); border-left-width: .4rem; border-radius: .5rem;
  background: var(--alarm-page); padding: 1rem 1.25rem;
}
.notices h2 { color: var(--alarm); font-size: 1.1rem; margin: 0 0 .4rem }
.notices ul { margin: 0; padding-left: 1.1rem }
.notices li { margin: .2rem 0 }
.fine { border-left: .4rem solid var(--kept); padding: .3rem 0 .3rem 1rem; margin: 0 }
nav { margin-top: 1.5rem; font-size: .95rem }
nav ul {
  list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: 0; padding: .7rem 0;
  border-top: 1px solid var(--line); border-bottom: 1px solid var(--line);
}
nav a { display: inline-block; padding: .15rem 0 }
"""

# The shadows at the sides of a box that scrolls are covered where there is nothing more to see.
_TABLES = """
.scroll {
  overflow-x: auto; margin: 0 0 1.5rem;
  background: linear-gradient(to right, var(--page) 40%, transparent) left / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--page) 40%, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to right, var(--line), transparent) left / .9rem 100% no-repeat scroll,
    linear-gradient(to left, var(--line), transparent) right / .9rem 100% no-repeat scroll;
}
details .scroll { background: none }
table { border-collapse: collapse; min-width: min(100%, 36rem); font-size: .93rem }
caption {
  text-align: left; color: var(--soft); padding: 0 0 .5rem;
  position: sticky; left: 0; max-width: calc(100vw - 2.75rem);
}
th, td {
  text-align: left; vertical-align: top; padding: .45rem 1.6rem .45rem 0; overflow-wrap: normal;
  border-bottom: 1px solid var(--line);
}
th:last-child, td:last-child { padding-right: .2rem }
thead th { font-weight: 600; color: var(--soft); font-size: .85rem; vertical-align: bottom }
tbody th { font-weight: 500 }
tfoot th, tfoot td { font-weight: 650; border-bottom: 0 }
.n { text-align: right; font-variant-numeric: tabular-nums }
td.n { white-space: nowrap }
.name { min-width: 15rem; overflow-wrap: anywhere }
.long { min-width: 16rem; overflow-wrap: anywhere }
.bars { min-width: 9rem; width: 18rem }
.less, .more { font-size: .8rem; font-weight: 650; color: var(--alarm) }
.more { color: var(--kept) }
thead button { all: unset; cursor: pointer; font: inherit }
thead button:focus-visible { outline: 3px solid var(--link) }
thead button::after { content: "\\00a0\\2195"; opacity: .6 }
[aria-sort=ascending] button::after { content: "\\00a0\\2191"; opacity: 1 }
[aria-sort=descending] button::after { content: "\\00a0\\2193"; opacity: 1 }
"""

_FUNNEL = """
.funnel { table-layout: fixed; width: 100% }
.funnel .step { width: 36% }
.funnel .bars { width: 31%; min-width: 0 }
.funnel .n { padding-right: .6rem }
.funnel td, .funnel th { vertical-align: middle; overflow-wrap: anywhere }
.funnel caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.funnel td.bars { white-space: nowrap }
.funnel b { font-weight: 600 }
.left {
  display: inline-block; width: 5.2rem; text-align: right; padding-right: .7rem;
  font-variant-numeric: tabular-nums; vertical-align: middle;
}
.funnel .bar { width: calc(100% - 5.2rem); vertical-align: middle }
.params { display: block; color: var(--soft); font-size: .86rem; font-weight: 400 }
.quiet { display: block; color: var(--soft); font-size: .88rem; white-space: normal; padding-left: 5.2rem }
"""

_CHARTS = """
svg { display: block; overflow: visible }
svg text {
  font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--soft);
  paint-order: stroke; stroke: var(--page); stroke-width: 4px;
}
svg .name { fill: var(--ink); font-weight: 600 }
.bar { display: inline-block; border-radius: 2px; overflow: hidden }
.bar rect + rect + rect { stroke: var(--page) }
.map { background: var(--track); border-radius: 4px }
.map circle { opacity: 0.7 }
.kept { fill: var(--kept) } .gone { fill: var(--gone) }
.pool { fill: var(--pool) } .track { fill: var(--track) }
.middle { text-anchor: middle } .end { text-anchor: end }
.base { stroke: var(--soft) }
.threshold { stroke: var(--alarm); stroke-dasharray: 5 3; stroke-width: 1.5 }
.legend {
  display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; color: var(--soft); font-size: .9rem; margin: 0 0 .75rem;
}
.legend i {
  display: inline-block; width: .85rem; height: .85rem; border-radius: 2px; vertical-align: -.08rem;
}
.legend .pool { background: var(--pool) } .legend .kept { background: var(--kept) }
.legend .gone { background: var(--gone) }
figure { margin: 0; min-width: 0 }
figcaption {
  display: flex; flex-direction: column; color: var(--soft); font-size: .9rem; margin-bottom: .9rem;
}
figcaption b { color: var(--ink) }
figcaption span { font-variant-numeric: tabular-nums }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 2rem 2.5rem;
}
"""

_EXAMPLES = """
details { border: 1px solid var(--line); border-radius: .4rem; background: var(--card); margin: .5rem 0 }
summary { cursor: pointer; padding: .6rem 1rem; font-weight: 500 }
details > :not(summary) { margin-left: 1rem; margin-right: 1rem }
article { border-top: 1px solid var(--line); padding: .8rem 0 }
article p { margin: 0 }
.id { color: var(--soft); font-size: .85rem }
.why { color: var(--alarm); font-size: .92rem }
.text { white-space: pre-wrap; unicode-bidi: plaintext; max-width: 50rem }
"""

# On a narrow screen a row of the funnel becomes a block: its name, its bar, its numbers.
_NARROW = """
@media (max-width: 44rem) {
  body { padding: 1.25rem 1rem 3rem }
  .lede { font-size: 1.08rem }
  main > section { margin-top: 2.75rem }
  table { font-size: .88rem }
  thead th { font-size: .78rem }
  th, td { padding-right: .5rem }
  .less, .more { display: block }
  .name { min-width: 13.5rem }
  .stack, .stack tbody, .stack tfoot, .stack tr, .stack th, .stack td { display: block; width: auto }
  .stack thead { display: none }
  .stack tr {
    display: grid; grid-template-columns: repeat(3, 1fr); gap: .1rem .8rem; padding: .5rem 0;
    border-bottom: 1px solid var(--line);
  }
  .stack tr > th, .stack tr > td, .stack tr > .step, .stack tr > .bars { border: 0; padding: 0; width: auto }
  .stack th, .stack .bars { grid-column: 1 / -1 }
  .stack td:empty { display: none }
  .stack td.n { text-align: left }
  .stack td.n::before { content: attr(data-label); display: block; color: var(--soft); font-size: .78rem }
  .stack .left { text-align: left; width: 4.6rem }
  .stack .bar { width: calc(100% - 4.6rem) }
  .stack .quiet { padding-left: 0 }
}
@media print { .skip, nav { display: none } body { max-width: none } details { break-inside: avoid } }
"""

STYLE = "".join([_COLOURS, _TYPE, _TOP, _TABLES, _FUNNEL, _CHARTS, _EXAMPLES, _NARROW])

# Sorting by a click is all the script does: the page is complete without it.
SCRIPT = """
for (const table of document.querySelectorAll('table[data-sort]')) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const counts = (head) => head.classList.contains('n');
  const value = (row, i) => {
    const said = row.cells[i].textContent.trim();
    const number = parseFloat(said.replace(/,/g, '').replace(/^[a-z_ ]+/i, ''));
    return counts(heads[i]) ? (Number.isNaN(number) ? -Infinity : number) : said;
  };
  heads.forEach((head, i) => {
    if (head.classList.contains('bars')) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const before = head.getAttribute('aria-sort');
      const up = before ? before === 'descending' : !counts(head);
      heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
      body.append(...[...body.rows].sort((a, b) => order(value(a, i), value(b, i))));
    });
  });
}
"""
