// The shift: its name, its operator, those before it, and where all of this is kept.

const moments = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: 'medium', timeStyle: 'short' });
const shiftName = ({ coil, operator }) => [coil, operator].filter(Boolean).join(', ') || t['no-name'];

function drawShift() {
  $('coil').value = shift.coil;
  $('operator').value = shift.operator;
  $$('#shift span').textContent = shift.coil || shift.operator ? shiftName(shift) : t['name-shift'];
}
/** Nothing of one shift stays for the next. */
function emptyPage() {
  for (const item of items) item.left = true;
  for (const item of thumbs.splice(0)) URL.revokeObjectURL(item.thumb);
  items.length = queue.length = decisions.length = batch = ratios.length = 0;
  leaveOut.all = [];
  dirty.clear();
  notice('');
  $('toast').hidden = true;
  view.current = view.threshold = view.low = view.high = null;
  view.find = $('find').value = view.class = $('class').value = '';
  unsaved = false;
  document.body.classList.add('empty');
}
/** Another shift; the one before is kept. */
async function beginShift() {
  if (unsaved && !database && !confirm(t.unsaved)) return;
  shift.closed = true;
  await flush();
  const { operator } = shift;
  shift = { ...newShift(), operator };
  emptyPage();
  drawShift();
  draw();
}
async function openShift(found) {
  await flush();
  const kept = await keptPictures(found.id);
  emptyPage();
  shift = { ...found, closed: false };
  Object.assign(view, shift.moved);
  for (const known of shift.models || []) models.set(known.sha256, known);
  for (const item of kept) {
    if (item.status === 'sending') item.status = 'waiting';
    if (!item.file) Object.assign(item, { file: new File([], item.name), unshowable: !item.preview });
    if (item.status === 'waiting') queue.push(item);
    for (const name of Object.keys(item.classes || {})) classNames.add(name);
    items.push(item);
    lastId = Math.max(lastId, item.id);
  }
  batch = items.length - queue.length;
  document.body.classList.toggle('empty', !items.length);
  await shapeFrames(items);
  drawShift();
  draw();
  pump();
  sendWords();
}
async function begin() {
  try {
    await openDatabase();
    const [last] = await keptShifts();
    if (last && !last.closed) await openShift(last);
  } catch {
    $('kept').textContent = t['not-kept'];
  }
}
async function drawPast() {
  const past = (await keptShifts()).filter(({ id }) => id !== shift.id);
  const entries = past.map((found) => {
    const label = (word) => `${t[word]}: ${shiftName(found)}, ${moments.format(new Date(found.started))}`;
    const open = make('button', {
      textContent: t.open,
      ariaLabel: label('open'),
      onclick: () => openShift(found).then(() => $('shifts').close()),
    });
    const gone = make('button', {
      textContent: t.delete,
      ariaLabel: label('delete'),
      onclick: async () => {
        if (!confirm(put(t['sure-delete'], shiftName(found)))) return;
        await dropShift(found.id);
        drawPast();
      },
    });
    const told = ['all', ...KINDS].map((kind) => `${numbers.format(found.counts[kind])} ${kindWord(kind)}`).join(', ');
    return make(
      'li',
      {},
      make(
        'div',
        {},
        make('bdi', { textContent: shiftName(found) }),
        make('small', { textContent: `${moments.format(new Date(found.started))}: ${told}` }),
      ),
      open,
      gone,
    );
  });
  $('past').replaceChildren(...(entries.length ? entries : [make('li', { textContent: t['no-past'] })]));
  $('delete-all').disabled = !database;
}
$('shift').onclick = () => {
  $('shifts').showModal();
  flush().then(drawPast);
};
function nameShift() {
  shift.coil = $('coil').value.trim();
  shift.operator = $('operator').value.trim();
  drawShift();
  keep();
  sendWords();
}
$('coil').onchange = $('operator').onchange = nameShift;
$('shifts').addEventListener('close', nameShift);
$('delete-all').onclick = async () => {
  if (!confirm(t['sure-all'])) return;
  for (const item of items) item.gone = true;
  emptyPage();
  for (const { id } of await keptShifts()) await dropShift(id);
  shift = newShift();
  draw();
  $('shifts').close();
};
$('clear').onclick = beginShift;
const ready = begin();
