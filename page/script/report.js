// One page about the shift, to print.

const WORST = 8; // Pictures on it.
const BINS = 20;
const WIDE = 600;
const TALL = 120;

/** The worst first: what is rejected, then what is open, by probability. */
function worst() {
  const order = ['reject', 'review'];
  return items
    .filter((item) => order.includes(kindOf(item)))
    .sort((a, b) => order.indexOf(kindOf(a)) - order.indexOf(kindOf(b)) || b.p - a.p || a.id - b.id)
    .slice(0, WORST);
}
function bars(scored) {
  const counts = Array(BINS).fill(0);
  for (const { p } of scored) counts[Math.min(BINS - 1, Math.floor(p * BINS))]++;
  const most = Math.max(1, ...counts);
  const drawing = shape('svg', {
    viewBox: `-20 -16 ${WIDE + 40} ${TALL + 36}`,
    role: 'img',
    'aria-label': t.histogram,
  });
  const write = (x, y, text) => drawing.append(shape('text', { x, y, 'text-anchor': 'middle' }, text));
  const at = limits();
  if (at) {
    const band = { class: 'band', x: WIDE * at.low, y: 0, width: WIDE * (at.high - at.low), height: TALL };
    drawing.append(shape('rect', band), shape('path', { class: 'limit', d: `M${WIDE * at.t} -4V${TALL + 4}` }));
  }
  counts.forEach((count, nth) => {
    const height = (TALL * count) / most;
    const x = (WIDE * nth) / BINS;
    drawing.append(shape('rect', { x: x + 1, y: TALL - height, width: WIDE / BINS - 2, height }));
    if (count) write(x + WIDE / BINS / 2, TALL - height - 3, numbers.format(count));
  });
  drawing.append(shape('path', { class: 'axis', d: `M0 ${TALL}H${WIDE}` }));
  for (const share of [0, 0.25, 0.5, 0.75, 1]) write(WIDE * share, TALL + 15, `${100 * share} %`);
  return drawing;
}
function tally(counts) {
  const scored = counts.pass + counts.review + counts.reject;
  const heads = ['', 'all', 'share', 'by-operator', 'by-model'].map((name) =>
    make('th', { textContent: t[name] || '', scope: 'col' }),
  );
  const rows = KINDS.map((kind) => {
    const said = items.filter((item) => item.verdict === kind).length;
    const values =
      kind === 'failed' ? ['', '', ''] : [scored ? percent(counts[kind] / scored) : '', said, counts[kind] - said];
    return make(
      'tr',
      {},
      make('th', { className: kind, textContent: t[kind], scope: 'row' }),
      ...[numbers.format(counts[kind]), ...values].map((textContent) => make('td', { textContent })),
    );
  });
  return make('table', {}, make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...rows));
}
function drawReport() {
  const counts = counted();
  const scored = items.filter((item) => item.status === 'scored');
  const times = scored.map((item) => item.scoredAt).sort();
  const used = new Map(
    scored.map(({ model: { name, version, sha256 } }) => [sha256, `${name} ${version} (${sha256.slice(0, 8)})`]),
  );
  const at = limits();
  const when = times.length ? moments.formatRange(new Date(times[0]), new Date(times.at(-1))) : '';
  const facts = [
    ['coil', shift.coil],
    ['operator', shift.operator],
    ['when', when],
    ['model', [...used.values()].join(', ')],
    [
      'decides',
      at ? put(t.band, percent(at.t), percent(at.low), percent(at.high)) + (isMoved() ? `, ${t.moved}` : '') : '',
    ],
    ['decided-by', put(t['n-decided'], counts.overruled, counts.accepted + counts.decided)],
  ];
  const open = counts.review + counts.waiting + counts.failed;
  $$('#report article').replaceChildren(
    make('h2', { id: 'report-title', textContent: t['report-title'] }),
    make(
      'dl',
      {},
      ...facts.flatMap(([name, text]) => [
        make('dt', { textContent: t[name] }),
        make('dd', { textContent: text || '–' }),
      ]),
    ),
    make('p', {
      className: open ? 'still' : 'all-done',
      textContent: open ? put(t.still, plural(open, 'picture')) : t['all-done'],
    }),
    tally(counts),
    make('h3', { textContent: t.histogram }),
    bars(scored),
    make('h3', { textContent: t.worst }),
    make(
      'ul',
      {},
      ...worst().map((item) =>
        make(
          'li',
          { className: kindOf(item) },
          item.thumb && item.size
            ? strip(item, item.thumb, 6.25)
            : make('div', { className: 'blank', textContent: t['no-picture'] }),
          make('b', { textContent: t[kindOf(item)] }),
          ` ${percent(item.p)} `,
          make('bdi', { textContent: item.name }),
          make('small', {
            textContent: [item.verdict ? put(t['by-you'], t[relation(item)]) : '', item.kind || likely(item), item.note]
              .filter(Boolean)
              .join(', '),
          }),
        ),
      ),
    ),
    make('small', { textContent: put(t.printed, moments.format(new Date()), BASE.href) }),
  );
}
async function openReport() {
  for (const item of worst()) await smallPicture(item);
  drawReport();
  $('report').showModal();
}
$('report-open').onclick = openReport;
$('print').onclick = () => print();
addEventListener('beforeprint', () => {
  if (!$('report').open) drawReport();
});
