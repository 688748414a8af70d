// Sorting by a click is all the script does: the page is complete without it.
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
