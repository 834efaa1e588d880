// Going from picture to picture, by key.

function mark(item) {
  if (view.current === item) return;
  if (view.current?.card) view.current.card.setAttribute('aria-current', 'false');
  view.current = item;
  if (item?.card) item.card.setAttribute('aria-current', 'true');
}
/** Make it the current one, on the page that it is on, in view and in focus. */
function select(item) {
  if (!item) return;
  mark(item);
  view.only = view.chosen = null;
  const index = listed().indexOf(item);
  if (index >= 0) view.page = Math.floor(index / PAGE);
  draw();
  if (item.card && !$('viewer').open) {
    item.card.focus({ preventScroll: true });
    const top = scrollY;
    item.card.scrollIntoView({ block: 'nearest' });
    if (scrollY !== top) movedAt = performance.now();
  }
}
/** The next that nobody decided yet, after this one or else from the start. */
function following(item) {
  const list = listed();
  const start = item ? list.indexOf(item) + 1 : 0;
  return (
    [...list.slice(start), ...list.slice(0, start)].find((other) => other !== item && kindOf(other) === 'review') ||
    null
  );
}
function step(by) {
  const list = listed();
  const index = list.indexOf(view.current);
  select(list[index < 0 ? 0 : Math.min(list.length - 1, Math.max(0, index + by))]);
}
const neighbour = (item) => {
  const list = listed();
  const index = list.indexOf(item);
  return list[index + 1] || list[index - 1] || null;
};
const perRow = () => getComputedStyle($('grid')).gridTemplateColumns.split(' ').length;

function byKey(verdict) {
  const item = view.current;
  if (item?.status !== 'scored') return;
  if (verdict(item)) decide(item, verdict(item));
  else say(put(t['cannot-judge'], item.name));
}
const inViewer = (button) => $('viewer').open && button.click();
const KEYS = {
  n: () => select(following(view.current) || view.current),
  a: () => byKey(leaning),
  o: () => byKey((item) => leaning(item) && opposite(leaning(item))),
  p: () => byKey(() => 'pass'),
  r: () => byKey(() => 'reject'),
  u: undo,
  m: () => $('overlay').click(),
  Delete: () => view.current && remove([view.current]),
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => step(perRow()),
  ArrowUp: () => step(-perRow()),
  Enter: () => ($('viewer').open ? $('viewer').close() : enlarge()),
  '?': () => $('help').showModal(),
  '+': () => inViewer($('larger')),
  '=': () => inViewer($('larger')),
  '-': () => inViewer($('smaller')),
  0: () => inViewer($('fit')),
  ShiftArrowRight: () => panBy(80, 0),
  ShiftArrowLeft: () => panBy(-80, 0),
  ShiftArrowDown: () => panBy(0, 80),
  ShiftArrowUp: () => panBy(0, -80),
};
document.addEventListener('keydown', (event) => {
  const { target } = event;
  const open = $$('dialog[open]');
  if (event.ctrlKey || event.metaKey || event.altKey || (open && open !== $('viewer'))) return;
  if (target.matches('select, input:not([type=checkbox])')) return;
  if (event.repeat && target.closest('.do')) event.preventDefault(); // Nor a held Enter on its button.
  if (event.key === 'Enter' && target.matches('button, a')) return;
  if (event.repeat && 'aopru'.includes(event.key.toLowerCase())) return; // A key held down decides one picture.
  if (/^[1-9]$/.test(event.key)) {
    const item = view.current?.verdict ? view.current : $('toast').hidden ? null : decisions.at(-1)?.item;
    const kind = item && Object.keys(item.classes)[event.key - 1];
    if (kind) call(item, kind);
    return;
  }
  const act =
    KEYS[
      event.key.length === 1
        ? event.key.toLowerCase()
        : (event.shiftKey && event.key.startsWith('Arrow') ? 'Shift' : '') + event.key
    ];
  if (!act || (!items.length && event.key !== '?')) return;
  event.preventDefault();
  act();
});
