// Zoom: the picture in the viewer, to its pixels.

const MOST = 16; // Pixels of the screen for one of the picture.
let zoom = 0; // The same now; 0: all of the picture.
const shownStrip = () => $$('#viewer .strip');
function fitting() {
  const { offsetWidth, offsetHeight } = $$('#viewer .frame');
  const { width, height } = enlarged.item.size;
  return Math.min(offsetWidth / width, offsetHeight / height);
}
const scaleNow = () => zoom || fitting();
function lay() {
  const box = shownStrip();
  $('zoom').hidden = !box;
  if (!box) return;
  const { width, height } = enlarged.item.size;
  const scale = scaleNow();
  box.style.setProperty('--wide', `${width * scale}px`);
  box.style.setProperty('--high', `${height * scale}px`);
  box.classList.toggle('sharp', scale * devicePixelRatio >= 2);
  $$('#zoom output').textContent = `${Math.round(100 * scale * devicePixelRatio)} %`;
}
/** Show it at a scale; what is at a point of the window, or in the middle, stays there. */
function zoomTo(scale, x, y) {
  const box = shownStrip();
  if (!box) return;
  const frame = $$('#viewer .frame');
  const edge = frame.getBoundingClientRect();
  const [atX, atY] = [x ?? edge.left + edge.width / 2, y ?? edge.top + edge.height / 2];
  const before = box.getBoundingClientRect();
  const fit = fitting();
  zoom = scale <= fit * 1.01 ? 0 : Math.min(scale, Math.max(MOST, fit));
  lay();
  const after = box.getBoundingClientRect();
  frame.scrollLeft += after.left - atX + ((atX - before.left) / before.width) * after.width;
  frame.scrollTop += after.top - atY + ((atY - before.top) / before.height) * after.height;
}
/** A defect in the middle, with some steel around it. */
function lookAt({ box }) {
  const frame = $$('#viewer .frame');
  if (!shownStrip()) return;
  zoomTo(Math.min(0.4 * Math.min(frame.offsetWidth / box.width, frame.offsetHeight / box.height), 4));
  frame.scrollLeft = (box.x + box.width / 2) * scaleNow() - frame.offsetWidth / 2;
  frame.scrollTop = (box.y + box.height / 2) * scaleNow() - frame.offsetHeight / 2;
}
const panBy = (x, y) => $$('#viewer .frame').scrollBy(x, y);
{
  const frame = $$('#viewer .frame');
  const fingers = new Map();
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return b ? { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, wide: Math.hypot(a.x - b.x, a.y - b.y) } : { ...a, wide: 0 };
  };
  frame.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      zoomTo(scaleNow() * Math.exp(-0.002 * event.deltaY * (event.deltaMode ? 30 : 1)), event.clientX, event.clientY);
    },
    { passive: false },
  );
  frame.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = spread();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = spread();
    panBy(before.x - now.x, before.y - now.y);
    if (before.wide && now.wide) zoomTo((scaleNow() * now.wide) / before.wide, now.x, now.y);
  });
  for (const name of ['pointerup', 'pointercancel'])
    frame.addEventListener(name, (event) => fingers.delete(event.pointerId));
  frame.addEventListener('dragstart', (event) => event.preventDefault());
  frame.addEventListener('dblclick', (event) => zoomTo(zoom ? 0 : 1 / devicePixelRatio, event.clientX, event.clientY));
  addEventListener('resize', () => {
    if ($('viewer').open) lay();
  });
}
$('smaller').onclick = () => zoomTo(scaleNow() / 1.5);
$('larger').onclick = () => zoomTo(scaleNow() * 1.5);
$('fit').onclick = () => zoomTo(0);
$('pixel').onclick = () => zoomTo(1 / devicePixelRatio);
