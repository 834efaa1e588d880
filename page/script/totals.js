// The figures at the top, progress, and what is said to a screen reader.

function drawTotals(counts) {
  const notes = {
    all: counts.waiting
      ? put(t['n-waiting'], numbers.format(counts.waiting))
      : counts.overruled + counts.accepted + counts.decided
        ? put(t['n-decided'], counts.overruled, counts.accepted + counts.decided)
        : '',
    review: counts.suspect ? put(t['n-odd'], counts.suspect) : counts.review ? t['for-you'] : '',
    failed: counts.failed ? t['not-scored'] : '',
  };
  const scored = counts.pass + counts.review + counts.reject;
  for (const kind of ['all', ...KINDS]) {
    const button = $(`total-${kind}`);
    $$('b', button).textContent = numbers.format(counts[kind]);
    $$('small', button).textContent = notes[kind] ?? (scored ? percent(counts[kind] / scored) : '');
    button.ariaPressed = view.kind === kind;
  }
}
function drawProgress(counts) {
  const all = items.length - batch;
  const left = counts.waiting;
  const bar = $$('progress');
  bar.max = Math.max(1, all);
  bar.value = all - left;
  const now = performance.now();
  while (done.length && now - done[0] > 15_000) done.shift();
  const speed = done.length > 4 ? (done.length - 1) / ((now - done[0]) / 1000) : 0;
  let text = put(t['n-done'], numbers.format(all - left), numbers.format(all));
  if (left && speed && !offline && !locked) text += `, ${put(t.speed, tenths.format(speed), Math.ceil(left / speed))}`;
  const unsent = keepsWords === false ? 0 : items.filter(unsentOf).length;
  $('unsent').hidden = !unsent || keepsWords === null;
  $('unsent').textContent = put(t[shift.operator ? 'unsent' : 'unsent-unnamed'], plural(unsent, 'decision'));
  $$('#progress span').textContent = text;
  if (!items.length) return;
  const summary =
    put(
      t.summary,
      plural(items.length - left, 'picture'),
      KINDS.map((kind) => `${counts[kind]} ${kindWord(kind)}`).join(', '),
    ) + (left ? `; ${put(t['n-waiting'], left)}` : '');
  if (summary !== drawProgress.said) tell((drawProgress.said = summary), !left);
}
/** Into the live region, but not more often than a voice can say it. */
function tell(text, now) {
  tell.next = text;
  if (tell.timer && !now) return;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(
    () => {
      tell.timer = 0;
      $('said').textContent = tell.next;
    },
    now ? 150 : 4000,
  );
}
const say = (text) => {
  clearTimeout(tell.timer);
  tell.timer = 0;
  $('said').textContent = text;
};
