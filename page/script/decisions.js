// The operator's word, and the way back from it.

const decisions = []; // What each decision replaced.
/** Take the operator's word: null is none. A defect's class may be said with it, or afterwards. */
function decide(item, verdict) {
  if (!item || item.status !== 'scored' || item.verdict === verdict) return;
  if (verdict === 'pass' && isBlind(item)) return say(put(t.blind, item.name));
  const { verdict: old, kind, decidedAt, who } = item;
  const by = shift.operator;
  decisions.push({ item, by, verdict: old, kind, decidedAt, who });
  Object.assign(item, { verdict, who: by, kind: '', decidedAt: verdict ? new Date().toISOString() : null });
  unsaved = true;
  // Whoever withdraws it: the word that is taken back is of the one who said it.
  speak(item, verdict ? by : who);
  const moveOn = verdict && !old && judged(item) === 'review';
  const next = moveOn ? following(item) : null;
  if (next) select(next);
  else refresh();
  toast(item);
  say(
    `${item.name}: ${verdict ? `${t[relation(item)]}, ${kindWord(verdict)}` : put(t['back-to'], kindWord(judged(item)))}`,
  );
}
function undo() {
  const { item, removed, by, ...before } = decisions.pop() || {};
  if (removed) {
    $('toast').hidden = true;
    bringBack(removed);
    return select(removed[0]);
  }
  if (!item) return;
  const taken = item.verdict ? by : before.who;
  Object.assign(item, before);
  unsaved = true;
  speak(item, taken);
  $('toast').hidden = true;
  select(item);
  say(put(t.undone, item.name, kindWord(kindOf(item))));
}
/** Which defect it is, of a picture that the operator rejected. */
function call(item, kind) {
  if (item?.verdict !== 'reject') return;
  item.kind = item.kind === kind ? '' : kind;
  unsaved = true;
  speak(item, item.who);
  toast(item);
  refresh();
  say(`${item.name}: ${kindWord('reject')}, ${item.kind || t['no-class']}`);
}
/** What was decided last, for some seconds, with the way back. */
function toast(item) {
  const had = $('kinds').contains(document.activeElement)
    ? [...$('kinds').children].indexOf(document.activeElement)
    : -1;
  $$('#toast bdi').textContent = `${item.name}: ${item.verdict ? t[item.verdict] : t.withdrawn}`;
  $('kinds').replaceChildren(
    ...(item.verdict === 'reject' ? Object.keys(item.classes) : []).map((name, nth) =>
      make(
        'button',
        { ariaPressed: item.kind === name, onclick: () => call(item, name) },
        nth < 9 ? make('kbd', { textContent: nth + 1 }) : '',
        ` ${name}`,
      ),
    ),
  );
  if (had >= 0) $('kinds').children[had]?.focus();
  showToast();
}
/** The same of what was done to several. */
function announce(text) {
  $$('#toast bdi').textContent = text;
  $('kinds').replaceChildren();
  showToast();
  say(text);
}
function showToast() {
  $('toast').hidden = false;
  const hide = () => {
    if ($('toast').matches(':hover, :focus-within')) showToast.timer = setTimeout(hide, 1000);
    else $('toast').hidden = true;
  };
  clearTimeout(showToast.timer);
  showToast.timer = setTimeout(hide, 8000);
}
$('undo').onclick = undo;

// A click that was meant for what was here a moment ago decides nothing.
const STILL = 400;
let movedAt = -STILL;
document.addEventListener(
  'click',
  (event) => {
    if (!event.detail || performance.now() - movedAt > STILL || !event.target.closest('#grid, #viewer .do')) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);
