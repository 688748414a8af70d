const { place } = document.body.dataset;
const at = (id) => document.getElementById(id);
const items = [...document.querySelectorAll('article')];
const asking = document.querySelectorAll('[data-asking]');
const choices = [...document.querySelectorAll('[data-choice]')];
const note = at('note');
const names = [at('name'), at('name_end')];
const bytes = () => [...crypto.getRandomValues(new Uint8Array(8))];
const anyone = () => bytes().map((byte) => byte.toString(16).padStart(2, '0')).join('');
const fresh = () => ({ voter: anyone(), name: at('name').defaultValue, begun: false, votes: [] });

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

function show() {
  const next = open();
  const voting = Boolean(state.begun && next);
  at('start').hidden = state.begun;
  at('end').hidden = !state.begun || Boolean(next);
  at('bar').hidden = !state.begun;
  for (const item of items) item.hidden = !voting || item !== next;
  for (const part of asking) part.hidden = !voting;
  at('undo').disabled = !state.votes.length;
  at('save').disabled = !state.votes.length;
  at('done').value = state.votes.length;
  const number = Math.min(state.votes.length + 1, items.length);
  at('where').textContent = state.begun ? `${number} of ${items.length}` : `${items.length} in all`;
  for (const field of names) if (field.value !== state.name) field.value = state.name;
  at('copy').value = next ? '' : results(state);
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
  if (!state.begun || !next) return;
  const time = new Date().toISOString().replace(/\.\d+/, '');
  change(() => state.votes.push([next.dataset.item, choice, time, note ? note.value.trim() : '']));
  if (note) note.value = '';
}

function undo() {
  if (!state.votes.length) return;
  change(() => { if (note) [, , , note.value] = state.votes.at(-1); state.votes.pop(); });
}

function save() {
  const link = document.createElement('a');
  const who = state.name.normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '') || state.voter;
  link.href = URL.createObjectURL(new Blob([results(state)], { type: 'application/json' }));
  link.download = fileName(who);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const acts = {
  undo,
  begin: () => state.begun || (at('name').reportValidity() && change(() => { state.begun = true; })),
  save: () => state.votes.length && save(),
  save_end: save,
  again: () => confirm('Forget what you chose here? Save it first.') && change(() => { state = fresh(); }),
};
if (note) acts.note = () => note.focus();
for (const button of choices) acts[button.id] = () => choose(button.dataset.choice);
const keys = {};
for (const part of document.querySelectorAll('[data-keys]')) {
  for (const key of part.dataset.keys.split(' ')) keys[key] = part.id;
}

for (const [id, act] of Object.entries(acts)) {
  at(id).addEventListener('click', (event) => (at(id).dataset.choice && event.detail > 1) || act());
}
for (const field of names) {
  field.addEventListener('input', () => { state.name = field.value.trim(); keep(); at('copy').value = results(state); });
}
document.addEventListener('keydown', (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const inField = event.target.matches('input, textarea');
  const onButton = event.target.matches('button, summary');
  const act = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!act || (inField && event.key !== 'Enter') || (onButton && event.key === 'Enter')) return;
  event.preventDefault();
  if (inField) event.target.blur();
  acts[act]();
});
keep();
show();
