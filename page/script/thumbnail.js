// Small pictures, and where the damage is on them.

const THUMBS = 3 * PAGE; // Small pictures kept; the one longest unseen goes first.
const thumbs = [];
let painting = Promise.resolve();
/** Fill a card's frame: one picture after the other, as an unfolded one is large. */
function paint(item) {
  painting = painting.then(async () => {
    if (!item.card) return;
    await smallPicture(item);
    while (thumbs.length > THUMBS) {
      const oldest = thumbs.findIndex((other) => !other.card);
      if (oldest < 0) break;
      const [gone] = thumbs.splice(oldest, 1);
      URL.revokeObjectURL(gone.thumb);
      gone.thumb = null;
    }
    const frame = item.card && $$('.frame', item.card);
    if (!frame) return;
    if (item.status === 'scored' && isBlind(item)) askPreview(item);
    const shown = [item.thumb || item.status, Boolean(item.map || item.defects)].join();
    if (frame.shown === shown) return;
    frame.shown = shown;
    const ratio = parseFloat(getComputedStyle($('grid')).getPropertyValue('--frame')) || 6.25;
    frame.replaceChildren(item.thumb ? strip(item, item.thumb, ratio) : noPreview(item));
  });
}
async function smallPicture(item) {
  if (item.thumb || isBlind(item)) return;
  try {
    item.thumb = await thumbnail(item);
    thumbs.push(item);
  } catch {
    item.unshowable = true;
    item.preview = null;
    keep(item);
    refresh();
  }
}
async function thumbnail(item) {
  const picture = await createImageBitmap(item.preview || item.file);
  item.size = item.preview ? item.image : { width: picture.width, height: picture.height };
  const scale = Math.min(1, 1000 / picture.width, 560 / picture.height);
  const canvas = make('canvas', {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.82));
  return URL.createObjectURL(blob);
}
function strip(item, address, ratio, only = null) {
  const aspect = item.size.width / item.size.height;
  const box = make('div', { className: 'strip' }, make('img', { src: address, alt: '' }));
  box.style.setProperty('--aspect', aspect);
  box.style.setProperty('--width', `${100 * Math.min(1, aspect / ratio)}%`);
  const { page = 1, content = { x: 0, y: 0, ...item.image } } = item.view || {};
  // A map of another page than that on display would be in the wrong place.
  if (item.defects) box.append(outlines(item, page, only));
  if (!item.map || page !== shownPage(item)) return box;
  const map = box.appendChild(heat(item.map, only === null ? null : item.map.classes.indexOf(only)));
  for (const [name, part, whole] of [
    ['--x', content.x, item.image.width],
    ['--y', content.y, item.image.height],
    ['--w', content.width, item.image.width],
    ['--h', content.height, item.image.height],
  ])
    map.style.setProperty(name, `${(100 * part) / whole}%`);
  return box;
}
const colour = (item, name) => `k${Object.keys(item.classes).indexOf(name) % 6}`;
const boxOf = ({ box: { x, y, width, height } }, name) => shape('rect', { class: name, x, y, width, height });
/** Damage of the first page over the whole picture, in its pixels: the cells of it, or boxes where the answer has none. */
function heat({ rows, columns, values }, plane) {
  const canvas = make('canvas', { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell++) {
    const p = (plane === null ? Math.max(...values.map((of) => of[cell])) : values[plane][cell]) / 255;
    const strength = Math.max(0, (p - 0.15) / 0.85);
    image.data.set([255, 190 - 170 * strength, 30, 255 * Math.min(1, 1.35 * strength)], 4 * cell);
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas;
}
function standIn(format, line) {
  return make('div', { className: 'stand-in' }, make('b', { textContent: format }), line);
}
function noPreview(item) {
  if (item.status === 'scored')
    return standIn(item.image.format, put(t['no-preview'], `${item.image.width} × ${item.image.height}`));
  return standIn(
    item.status === 'failed' ? t['no-picture'] : item.file.name.split('.').pop().slice(0, 5).toUpperCase(),
    '',
  );
}
