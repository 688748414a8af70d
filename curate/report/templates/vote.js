const { vote, format } = document.body.dataset;
const fileName = (who) => `vote-${vote}-${who}.json`;

function results({ voter, name, votes }) {
  const saved = new Date().toISOString();
  return JSON.stringify({ format, vote, voter, name, saved, votes: Object.fromEntries(votes) }, null, 1) + '\n';
}
