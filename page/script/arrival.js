// Pictures that come into the shift, and that are taken out of it.

const SAMPLE = 7; // Pictures whose shape is looked at before frames get theirs.
const ratios = [];
let lastId = 0;

/** Neither taken out, nor of another shift by now. */
const isHere = (item) => !item.gone && !item.left;
const signOf = ({ name, bytes, modified }) => [name, bytes, modified].join('\n');

async function add(files) {
  await ready;
  let fresh = [...files]
    .filter((file) => file.size || file.type || file.name)
    .map((file) => ({
      file,
      name: file.path || file.webkitRelativePath || file.name,
      bytes: file.size,
      modified: file.lastModified,
      status: 'waiting',
      tries: 0,
      verdict: null,
      kind: '',
      note: '',
    }));
  if (!fresh.length) return;
  const known = new Set(items.map(signOf));
  const twice = fresh.filter((item) => known.has(signOf(item)) || !known.add(signOf(item)));
  fresh = fresh.filter((item) => !twice.includes(item));
  if (twice.length) notice(put(t['there-already'], plural(twice.length, 'picture'), named(twice)));
  if (!fresh.length) return;
  await shapeFrames(fresh);
  if (!running && !queue.length) batch = items.length;
  for (const item of fresh) {
    item.id = lastId = Math.max(lastId + 1, 1000 * Date.now()); // Unique, also where two tabs have one shift.
    items.push(item);
    queue.push(item);
  }
  keep(...fresh);
  document.body.classList.remove('empty');
  refresh();
  pump();
}
const named = (some) =>
  some
    .slice(0, 5)
    .map((item) => item.name)
    .join(', ') + (some.length > 5 ? ' …' : '');
/** Frames get the shape that most pictures have, before these are on display: nothing moves afterwards. */
async function shapeFrames(some) {
  const every = Math.ceil(some.length / SAMPLE);
  for (const { file } of some.filter((_, nth) => nth % every === 0)) {
    try {
      const picture = await createImageBitmap(file);
      ratios.push(picture.width / picture.height);
      picture.close();
    } catch {
      /* Not one that the browser can show. */
    }
  }
  if (!ratios.length) return;
  const middle = ratios.toSorted((a, b) => a - b)[ratios.length >> 1];
  $('grid').style.setProperty('--frame', Math.min(6.25, Math.max(1.6, middle)));
}
/** A picture with the same bytes that came before, under another name perhaps. */
async function twinOf(item, bytes) {
  item.print = fingerprint(bytes);
  // Those that were read before this one; so of two that come at the same time one stays.
  for (const other of items.filter((other) => other !== item && other.print === item.print)) {
    const [mine, its] = [new Uint8Array(bytes), new Uint8Array(await other.file.arrayBuffer().catch(() => 0))];
    if (mine.length === its.length && mine.every((byte, nth) => byte === its[nth])) return other;
  }
  return null;
}
function fingerprint(buffer) {
  let [a, b] = [1, buffer.byteLength];
  const whole = buffer.byteLength >> 2;
  for (const part of [new Uint32Array(buffer, 0, whole), new Uint8Array(buffer, 4 * whole)])
    for (const word of part) {
      a = Math.imul(a ^ word, 0x9e3779b1);
      b = Math.imul((b << 13) | (b >>> 19), 5) ^ word;
    }
  return `${buffer.byteLength} ${a} ${b}`;
}
/** It is not judged once more, but said: a camera that stands still sends the same picture again. */
function leaveOut(item, twin) {
  twin.also = [...new Set([...(twin.also || []), item.name])];
  takeOut([item]);
  keep(twin);
  leaveOut.all = [...(leaveOut.all || []), item];
  notice(put(t['same-picture'], plural(leaveOut.all.length, 'picture'), named(leaveOut.all), twin.name));
}
function takeOut(some) {
  const gone = new Set(some);
  batch -= items.slice(0, batch).filter((item) => gone.has(item)).length;
  for (const list of [items, queue]) list.splice(0, list.length, ...list.filter((item) => !gone.has(item)));
  for (const item of some) {
    item.gone = true;
    dirty.delete(item);
    forgetThumb(item);
  }
  drop(shift.id, some);
  if (gone.has(view.current)) mark(null);
  if (!items.length) document.body.classList.add('empty');
  refresh();
}
function forgetThumb(item) {
  if (thumbs.includes(item)) thumbs.splice(thumbs.indexOf(item), 1);
  if (item.thumb) URL.revokeObjectURL(item.thumb);
  item.thumb = null;
}
/** By the operator, who can have them back. */
function remove(some) {
  if (!some.length) return;
  const next = some.length === 1 ? neighbour(some[0]) : null;
  if ($('viewer').open) $('viewer').close();
  takeOut(some);
  decisions.push({ removed: some });
  keep();
  announce(put(t.removed, some.length === 1 ? some[0].name : plural(some.length, 'picture')));
  if (next) select(next);
}
function bringBack(some) {
  for (const item of some) {
    item.gone = item.filed = false;
    if (item.status === 'waiting') queue.push(item);
  }
  items.push(...some);
  items.sort((a, b) => a.id - b.id);
  keep(...some);
  document.body.classList.remove('empty');
  refresh();
  pump();
}
function notice(text) {
  $('notice').hidden = !text;
  $$('#notice span').textContent = text;
}
$('read').onclick = () => {
  leaveOut.all = [];
  notice('');
};
