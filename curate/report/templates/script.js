// Sorting by a click and moving a bound is all the script does: the page is complete without it.
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
for (const box of document.querySelectorAll('.bound')) {
  const stops = JSON.parse(box.dataset.stops), left = Number(box.dataset.left), now = Number(box.dataset.at);
  const label = box.querySelector('label'), output = box.querySelector('output'), same = output.textContent;
  const slider = document.createElement('input');
  Object.assign(slider, { type: 'range', min: 0, max: stops.length - 1, value: now });
  label.append(slider);
  const count = (rows) => rows.toLocaleString('en');
  slider.addEventListener('input', () => {
    const [bound, change] = stops[slider.value];
    const difference = change ? `${count(Math.abs(change))} ${change > 0 ? 'more' : 'fewer'} than now` : 'as many as now';
    const says = Number(slider.value) === now ? same : `${count(left + change)} rows would pass every step, ${difference}.`;
    label.querySelector('b').textContent = bound.toLocaleString('en', { maximumFractionDigits: 4 });
    output.textContent = says;
    slider.setAttribute('aria-valuetext', `${label.querySelector('b').textContent}: ${says}`);
  });
}
