const { vote, format } = document.body.dataset;
const at = (id) => document.getElementById(id);
const items = [...document.querySelectorAll('article')];
const place = `curate-vote-${vote}`;
const names = [at('name'), at('name_end')];
const bytes = () => [...crypto.getRandomValues(new Uint8Array(8))];
const anyone = () => bytes().map((byte) => byte.toString(16).padStart(2, '0')).join('');
const fresh = () => ({ voter: anyone(), name: '', begun: false, votes: [] });

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(place));
    return found && Array.isArray(found.votes) ? found : fresh();
  } catch {
    return fresh();
  }
}

let state = kept();

function keep() {
  try {
    localStorage.setItem(place, JSON.stringify(state));
  } catch {
    at('unkept').hidden = false;
  }
}

function open() {
  const done = new Set(state.votes.map(([item]) => item));
  return items.find((item) => !done.has(item.dataset.item));
}

function results() {
  const votes = Object.fromEntries(state.votes);
  const { voter, name } = state;
  return JSON.stringify({ format, vote, voter, name, saved: new Date().toISOString(), votes }, null, 1) + '\n';
}

function show() {
  const next = open();
  const voting = state.begun && next;
  at('start').hidden = state.begun;
  at('end').hidden = !state.begun || Boolean(next);
  at('bar').hidden = !state.begun;
  for (const item of items) item.hidden = !voting || item !== next;
  for (const id of ['left', 'tie', 'right']) at(id).hidden = !voting;
  at('undo').disabled = !state.votes.length;
  at('save').hidden = !voting;
  at('save').disabled = !state.votes.length;
  document.querySelector('main').hidden = !voting;
  at('done').value = state.votes.length;
  const number = Math.min(state.votes.length + 1, items.length);
  at('where').textContent = state.begun ? `${number} of ${items.length}` : `${items.length} in all`;
  for (const field of names) if (field.value !== state.name) field.value = state.name;
  at('copy').value = next ? '' : results();
  window.scrollTo(0, 0);
  const heading = (voting ? next : at('end')).querySelector('h2');
  if (state.begun) heading.focus({ preventScroll: true });
}

function change(how) {
  how();
  keep();
  show();
}

function choose(choice) {
  const next = open();
  if (state.begun && next) change(() => state.votes.push([next.dataset.item, choice]));
}

function save() {
  const link = document.createElement('a');
  const who = state.name.normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '') || state.voter;
  link.href = URL.createObjectURL(new Blob([results()], { type: 'application/json' }));
  link.download = `vote-${vote}-${who}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const acts = {
  left: () => choose('left'),
  right: () => choose('right'),
  tie: () => choose('tie'),
  undo: () => state.votes.length && change(() => state.votes.pop()),
  begin: () => state.begun || change(() => { state.begun = true; }),
  save: () => state.votes.length && save(),
  save_end: save,
  again: () => confirm('Forget these votes here? Save them first.') && change(() => { state = fresh(); }),
};
const keys = {
  1: 'left', ArrowLeft: 'left', 2: 'right', ArrowRight: 'right', 0: 'tie', 3: 'tie', t: 'tie',
  u: 'undo', Backspace: 'undo', s: 'save', Enter: 'begin',
};

for (const [id, act] of Object.entries(acts)) {
  const votes = ['left', 'tie', 'right'].includes(id);
  at(id).addEventListener('click', (event) => (votes && event.detail > 1) || act());
}
for (const field of names) {
  field.addEventListener('input', () => { state.name = field.value.trim(); keep(); at('copy').value = results(); });
}
document.addEventListener('keydown', (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = event.target.matches('input, textarea');
  const onButton = event.target.matches('button, summary');
  const act = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!act || (inField && event.key !== 'Enter') || (onButton && event.key === 'Enter')) return;
  event.preventDefault();
  acts[act]();
});
keep();
show();
