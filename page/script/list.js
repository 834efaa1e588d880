// Which pictures are on display, in which order.

const PAGE = 48; // Cards on display: thousands of pictures stay cheap.
const ORDERS = {
  newest: (a, b) => b.id - a.id,
  defect: (a, b) => (b.p ?? -1) - (a.p ?? -1) || a.id - b.id,
  doubt: (a, b) => doubt(a) - doubt(b) || a.id - b.id,
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }) || a.id - b.id,
};
const doubt = (item) => (isSuspect(item) ? -1 : item.status === 'scored' ? Math.abs(item.p - limits(item).t) : 2);

/** The class that is most probable, where a picture does not pass. */
const likely = (item) =>
  kindOf(item) === 'pass' || isSuspect(item)
    ? ''
    : Object.entries(item.classes || {}).sort((a, b) => b[1] - a[1])[0]?.[0] || '';
const shows = (item, name) =>
  item.defects ? item.defects.some((defect) => defect.class === name) : likely(item) === name;
function listed() {
  const found = items.filter(
    (item) =>
      (view.kind === 'all' || kindOf(item) === view.kind) &&
      (!view.class || shows(item, view.class)) &&
      item.name.toLowerCase().includes(view.find),
  );
  return view.sort === 'arrival' ? found : found.sort(ORDERS[view.sort]);
}
let planned = false;
function refresh() {
  if (planned) return;
  planned = true;
  // Not requestAnimationFrame: a tab in the background goes on counting.
  setTimeout(() => {
    planned = false;
    draw();
  }, 60);
}
function counted() {
  const counts = {
    all: items.length,
    waiting: 0,
    pass: 0,
    review: 0,
    reject: 0,
    failed: 0,
    overruled: 0,
    accepted: 0,
    decided: 0,
    suspect: 0,
  };
  for (const item of items) {
    counts[kindOf(item)]++;
    if (item.verdict) counts[relation(item)]++;
    else if (isSuspect(item)) counts.suspect++;
  }
  return counts;
}
function draw() {
  const counts = counted();
  drawTotals(counts);
  drawProgress(counts);
  drawTools(counts);
  drawGrid();
  if ($('viewer').open) drawViewer();
}
function drawGrid() {
  const list = listed();
  const pages = Math.max(1, Math.ceil(list.length / PAGE));
  view.page = Math.min(view.page, pages - 1);
  const shown = list.slice(view.page * PAGE, (view.page + 1) * PAGE);
  const grid = $('grid');
  const keep = new Set(shown);
  if ([...grid.children].some((card, index) => card.item !== shown[index])) movedAt = performance.now();
  for (const card of [...grid.children])
    if (!keep.has(card.item)) {
      card.item.card = null;
      card.remove();
    }
  shown.forEach((item, index) => {
    item.card ??= newCard(item);
    fillCard(item);
    if (grid.children[index] !== item.card) grid.insertBefore(item.card, grid.children[index] || null);
  });
  $('none').hidden = shown.length > 0 || !items.length;
  $('pager').hidden = pages === 1;
  $$('#pager span').textContent = put(
    t.page,
    view.page * PAGE + 1,
    view.page * PAGE + shown.length,
    numbers.format(list.length),
  );
  $('back').disabled = view.page === 0;
  $('on').disabled = view.page === pages - 1;
  drawGrid.list = list;
}
