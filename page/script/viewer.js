// One picture, enlarged.

let enlarged = { item: null, address: null };
function enlarge() {
  if (!view.current) return;
  view.only = view.chosen = null;
  $('viewer').showModal();
  $('viewer').append($('messages')); // What is not in it cannot be reached.
  drawViewer();
}
function drawViewer() {
  const item = view.current;
  const viewer = $('viewer');
  viewer.className = looks(item);
  fill(viewer, item);
  $$('.name', viewer).textContent = item.name;
  if (document.activeElement !== $('note') || enlarged.item !== item) $('note').value = item.note;
  if (enlarged.item !== item) {
    dropEnlarged();
    movedAt = performance.now();
    enlarged = { item, address: isBlind(item) ? null : URL.createObjectURL(item.preview || item.file) };
    enlarged.key = '';
    zoom = 0;
  }
  if (!enlarged.address && !isBlind(item)) enlarged.address = URL.createObjectURL(item.preview || item.file);
  const key = [
    Boolean(enlarged.address),
    item.status,
    view.only,
    view.chosen && item.defects.indexOf(view.chosen),
    Boolean(item.size),
  ].join();
  if (enlarged.key !== key) {
    enlarged.key = key;
    const size = item.size || item.image;
    const frame = $$('.frame', viewer);
    const { scrollLeft, scrollTop } = frame;
    frame.replaceChildren(
      enlarged.address && size ? strip(Object.assign(item, { size }), enlarged.address, 0, view.only) : noPreview(item),
    );
    if (view.chosen?.page === shownPage(item)) $$('.frame svg', viewer)?.append(boxOf(view.chosen, 'chosen'));
    viewer.style.setProperty('--aspect', size ? size.width / size.height : 6.25);
    drawClasses(item, $$('.classes', viewer));
    drawDefects(item);
    lay();
    frame.scrollTo(scrollLeft, scrollTop);
  }
}
$('note').oninput = () => {
  view.current.note = $('note').value;
  unsaved = true;
  if (view.current.verdict) speak(view.current, view.current.who);
  else keep(view.current);
};
$('note').onkeydown = (event) => {
  if (event.key === 'Enter') $$('#viewer .do button')?.focus();
};
function dropEnlarged() {
  if (enlarged.address) URL.revokeObjectURL(enlarged.address);
  enlarged = { item: null, address: null };
}
$('viewer').addEventListener('close', () => {
  dropEnlarged();
  document.body.append($('messages'));
  $$('#viewer .frame').replaceChildren();
  select(view.current);
});
