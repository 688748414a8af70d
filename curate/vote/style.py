"""What the page of a vote adds to the look of the report."""

VOTE_STYLE = """
body { display: flex; flex-direction: column; min-height: 100vh; min-height: 100dvh; padding-bottom: 0 }
[hidden] { display: none !important }
header h1 { font-size: clamp(1.35rem, 4vw, 1.9rem) }
.where { display: flex; align-items: center; justify-content: space-between; gap: 1rem; margin: .4rem 0 }
.where span { color: var(--soft); font-variant-numeric: tabular-nums }
progress { appearance: none; width: 100%; height: .4rem; border: 0; border-radius: .2rem; background: var(--track) }
progress::-webkit-progress-bar { background: var(--track); border-radius: .2rem }
progress::-webkit-progress-value { background: var(--kept); border-radius: .2rem }
progress::-moz-progress-bar { background: var(--kept); border-radius: .2rem }
main { flex: 1 }
article { border: 0; padding: 1rem 0 }
article h2 { font-size: .85rem; color: var(--soft); letter-spacing: 0; margin: 0 0 .4rem }
[tabindex="-1"]:focus { outline: none }
.text { max-width: none; tab-size: 4 }
.prompt { border-left: .3rem solid var(--line); padding: .1rem 0 .1rem 1rem; margin-bottom: 1.25rem }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1.25rem }
.answer {
  min-width: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1.1rem;
}
#start, #end { max-width: 46rem; flex: 1; margin-top: 1rem }
.keys { color: var(--soft); display: flex; flex-wrap: wrap; gap: .4rem 1.4rem }
.keys kbd { margin: 0 .4rem 0 0 }
label { display: block; margin: 1.25rem 0 .75rem; color: var(--soft) }
input, textarea {
  display: block; width: 100%; font: inherit; color: var(--ink); background: var(--card);
  border: 1px solid var(--pool); border-radius: .4rem; padding: .5rem .7rem; margin-top: .25rem;
}
input { max-width: 20rem }
textarea { font: .85rem ui-monospace, Menlo, Consolas, monospace; margin-bottom: 1rem }
button {
  font: inherit; font-weight: 600; min-height: 2.9rem; padding: .4rem 1.2rem; border-radius: .5rem; cursor: pointer;
  color: var(--ink); background: var(--card); border: 1px solid var(--pool); touch-action: manipulation;
}
button:hover { border-color: var(--ink) }
button:disabled { opacity: .45; cursor: default; border-color: var(--line) }
button.quiet { font-weight: 400; color: var(--soft); border-color: transparent; background: none; padding: .4rem .6rem }
button.quiet:hover { color: var(--ink) }
#begin, #save_end { background: var(--kept); border-color: var(--kept); color: var(--page) }
#begin kbd, #save_end kbd { border-color: currentColor; color: inherit }
kbd {
  font: .75rem ui-monospace, Menlo, Consolas, monospace; border: 1px solid var(--line); border-radius: .25rem;
  padding: .05rem .35rem; margin-left: .5rem; color: var(--soft);
}
#end details { margin: 1.25rem 0 }
#bar {
  position: sticky; bottom: 0; margin: 1rem -1.25rem 0; background: var(--page); border-top: 1px solid var(--line);
  padding: .7rem 1.25rem calc(.7rem + env(safe-area-inset-bottom));
}
#bar p { margin: 0 0 .5rem; color: var(--alarm) }
#undo { grid-column: 4 }
#tie { min-width: 4rem }
#bar div { display: grid; grid-template-columns: 1fr auto 1fr auto; gap: .6rem }
@media (max-width: 44rem) {
  .sides { grid-template-columns: 1fr }
  #bar { margin: 1rem -1rem 0; padding-left: 1rem; padding-right: 1rem }
  #bar button { padding: .4rem .5rem }
}
@media (hover: none) { kbd, .keys { display: none } }
"""
