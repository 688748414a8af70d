const { file } = document.body.dataset;
const fileName = (who) => `${file}-${who}.jsonl`;

function results({ name, votes }) {
  const decisions = votes.filter(([, decision]) => decision !== 'skip');
  const line = ([id, decision, time, words]) => ({ id, decision, by: name, at: time, note: words || undefined });
  return decisions.map((vote) => JSON.stringify(line(vote)) + '\n').join('');
}
