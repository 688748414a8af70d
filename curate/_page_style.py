"""The report's style and script, as they stand in the page."""

STYLE = """
:root{--page:#fbfbf9;--card:#fff;--ink:#1b1f24;--soft:#58616b;--line:#dcdfe2;--kept:#0f766e;--gone:#e3a17f;--pool:#8793a1;
--track:#eceeee;--alarm:#a8321a;--alarm-page:#fdf1ec;--link:#0b5fa5}
@media (prefers-color-scheme:dark){:root{--page:#14171a;--card:#1b1f23;--ink:#e7e9eb;--soft:#a3acb5;--line:#333a41;
--kept:#4db6ac;--gone:#a8623f;--pool:#7d8996;--track:#262b30;--alarm:#ff9a7d;--alarm-page:#2d1d18;--link:#7cb8f0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;max-width:70rem;padding:2rem 1.25rem 4rem;background:var(--page);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem}
h1,h2,h3,h4{line-height:1.2;text-wrap:balance}
h1{font-size:clamp(1.9rem,6vw,2.8rem);letter-spacing:-.02em;margin:0}
h2{font-size:1.45rem;letter-spacing:-.01em;margin:0 0 .75rem}
h3{font-size:1.1rem;margin:1.75rem 0 .5rem}
h3 small{font-weight:400;color:var(--soft);font-size:.9rem;margin-left:.4rem}
h4{font-size:.8rem;margin:.75rem 0 .2rem;color:var(--soft);font-weight:600}
main>section{margin-top:3.5rem}
.kicker{margin:0 0 .35rem;color:var(--soft);font-size:.9rem}
.lede{font-size:1.2rem;max-width:46rem;margin:.6rem 0 1.4rem}
.note{max-width:46rem;color:var(--soft);margin:0 0 1rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:1px;margin:0 0 1.4rem;
background:var(--line);border:1px solid var(--line);border-radius:.5rem;overflow:hidden}
.facts div{background:var(--card);padding:.7rem 1rem;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.facts dt{color:var(--soft);font-size:.85rem}
.facts dd{margin:0;font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.25}
.notices{border:1px solid var(--alarm);border-left-width:.4rem;border-radius:.5rem;background:var(--alarm-page);padding:1rem 1.25rem}
.notices h2{color:var(--alarm);font-size:1.1rem;margin:0 0 .4rem}
.notices ul{margin:0;padding-left:1.1rem}.notices li{margin:.2rem 0}
.fine{border-left:.4rem solid var(--kept);padding:.3rem 0 .3rem 1rem;margin:0}
nav{margin-top:1.5rem;font-size:.95rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:0;padding:.7rem 0;
border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
nav a{display:inline-block;padding:.15rem 0}
.scroll{overflow-x:auto;margin:0 0 1.25rem}
table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{text-align:left;color:var(--soft);padding:0 0 .5rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .9rem .45rem 0;border-bottom:1px solid var(--line);overflow-wrap:normal}
thead th{font-weight:600;color:var(--soft);font-size:.85rem;vertical-align:bottom;white-space:nowrap}
tbody th{font-weight:500}
tfoot th,tfoot td{font-weight:650;border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.long{min-width:16rem;overflow-wrap:anywhere}
th:last-child,td:last-child{padding-right:.2rem}
.bars{min-width:9rem;width:26%}
.less,.more{font-size:.8rem;font-weight:650;color:var(--alarm);margin-left:.3rem}.more{color:var(--kept)}
thead button{all:unset;cursor:pointer;font:inherit}thead button:focus-visible{outline:3px solid var(--link)}
thead button::after{content:" \\2195";opacity:.5}
[aria-sort=ascending] button::after{content:" \\2191";opacity:1}[aria-sort=descending] button::after{content:" \\2193";opacity:1}
.funnel{table-layout:fixed}.funnel .step{width:38%}.funnel .bars{width:30%}.funnel td,.funnel th{vertical-align:middle;overflow-wrap:anywhere}
.funnel caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.funnel td.bars{white-space:nowrap}.left{display:inline-block;width:5.2rem;text-align:right;padding-right:.7rem;
font-variant-numeric:tabular-nums;vertical-align:middle}
.funnel .bar{width:calc(100% - 5.2rem);vertical-align:middle}
.funnel tfoot .kept{fill:var(--kept)}
.params{display:block;color:var(--soft);font-size:.86rem;font-weight:400}
.funnel b{font-weight:600}.quiet{color:var(--soft);font-size:.88rem;white-space:normal;padding-left:5.2rem;display:block}
svg{display:block;overflow:visible}.bar{display:inline-block;border-radius:2px;overflow:hidden}
.kept{fill:var(--kept)}.gone{fill:var(--gone)}.pool{fill:var(--pool)}.track{fill:var(--track)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;color:var(--soft);font-size:.9rem;margin:0 0 .75rem}
.legend i{display:inline-block;width:.85rem;height:.85rem;border-radius:2px;vertical-align:-.08rem}
.legend .pool{background:var(--pool)}.legend .kept{background:var(--kept)}
figure{margin:0;min-width:0}
figcaption{display:flex;flex-direction:column;color:var(--soft);font-size:.9rem;margin-bottom:.6rem}
figcaption b{color:var(--ink)}figcaption span{font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:2rem 2.5rem}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--soft)}
svg .name{fill:var(--ink);font-weight:600}
.middle{text-anchor:middle}.end{text-anchor:end}
.grid{stroke:var(--line);stroke-dasharray:2 3}.base{stroke:var(--soft)}
.threshold{stroke:var(--alarm);stroke-dasharray:5 3;stroke-width:1.5}
code,pre{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.8rem 1rem;overflow-x:auto;margin:.5rem 0 1rem;overflow-wrap:normal}
details{border:1px solid var(--line);border-radius:.4rem;background:var(--card);margin:.5rem 0}
summary{cursor:pointer;padding:.6rem 1rem;font-weight:500}
details>:not(summary){margin-left:1rem;margin-right:1rem}
article{border-top:1px solid var(--line);padding:.8rem 0}
article p{margin:0}.id{color:var(--soft);font-size:.85rem}
.why{color:var(--alarm);font-size:.92rem}
.text{white-space:pre-wrap;unicode-bidi:plaintext;max-width:50rem}
footer{margin-top:4rem;color:var(--soft);font-size:.88rem}
@media (max-width:44rem){
body{padding:1.25rem 1rem 3rem}.lede{font-size:1.08rem}main>section{margin-top:2.75rem}
.stack,.stack tbody,.stack tfoot,.stack tr,.stack th,.stack td{display:block;width:auto!important}
.stack thead{display:none}
.stack tr{border-bottom:1px solid var(--line);padding:.5rem 0;display:grid;grid-template-columns:repeat(3,1fr);gap:.1rem .8rem}
.stack th,.stack td{border:0;padding:0}.stack th,.stack .bars{grid-column:1/-1}
.stack td:empty{display:none}.stack td.n{text-align:left}
.stack td.n::before{content:attr(data-label);display:block;color:var(--soft);font-size:.78rem;font-weight:400}
.stack .left{text-align:left;width:4rem}.stack .bar{width:calc(100% - 4rem)}.stack .quiet{padding-left:0}
}
@media print{.skip,nav{display:none}body{max-width:none}details{break-inside:avoid}}
"""

# Sorting by a click is all the script does: the page is complete without it.
SCRIPT = """
for (const table of document.querySelectorAll('table[data-sort]')) {
  const body = table.tBodies[0];
  const value = (row, i) => {
    const said = row.cells[i].textContent.trim();
    const number = parseFloat(said.replace(/,/g, '').replace(/^[^0-9.−-]+(?=[0-9])/, '').replace('−', '-'));
    return table.tHead.rows[0].cells[i].classList.contains('n') && !Number.isNaN(number) ? number : said;
  };
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    if (head.classList.contains('bars')) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') === 'descending' || (!head.hasAttribute('aria-sort') && !head.classList.contains('n'));
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
      body.append(...[...body.rows].sort((a, b) => order(value(a, i), value(b, i))));
    });
  });
}
"""
