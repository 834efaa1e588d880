// What is kept in this browser: shifts, their pictures, and the files of these. Nothing of it goes elsewhere.

const STORES = ['shifts', 'pictures', 'files'];
const WRITE_AFTER = 300; // Milliseconds: what changes together is written together.
let database = null; // Null: this browser keeps nothing.
const dirty = new Set(); // Pictures that changed since they were written.
let filing = Promise.resolve();

const newShift = () => ({ id: Date.now(), coil: '', operator: '', started: new Date().toISOString() });
let shift = newShift();

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = request.oncomplete = () => resolve(request.result);
    request.onerror = request.onabort = () => reject(request.error);
  });
/** All keys of a shift: [shift, picture]. */
const ofShift = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

async function openDatabase() {
  const request = indexedDB.open(`steel-defect ${BASE.pathname}`, 1);
  request.onupgradeneeded = () => {
    for (const name of STORES) request.result.createObjectStore(name);
  };
  database = await settled(request);
}
/** Write what changed, soon. */
function keep(...some) {
  for (const item of some) dirty.add(item);
  keep.timer ||= setTimeout(flush, WRITE_AFTER);
}
async function flush() {
  clearTimeout(keep.timer);
  keep.timer = 0;
  const some = [...dirty];
  dirty.clear();
  if (!database || (!items.length && !shift.coil && !shift.operator)) return;
  const { threshold, low, high } = view;
  Object.assign(shift, {
    changed: Date.now(),
    moved: { threshold, low, high },
    models: [...models.values()].filter(Boolean),
    counts: counted(),
  });
  try {
    const write = database.transaction(['shifts', 'pictures'], 'readwrite');
    write.objectStore('shifts').put(shift, shift.id);
    for (const item of some) {
      const { card, thumb, file, ...kept } = item;
      if (!item.gone) write.objectStore('pictures').put(kept, [shift.id, item.id]);
      if (!item.filed) keepFile(shift.id, item);
    }
    await settled(write);
  } catch {
    notKept();
  }
}
/** The file of a picture, one after the other: one that cannot be read takes no other with it. */
function keepFile(id, item) {
  item.filed = true;
  filing = filing.then(async () => {
    if (item.gone) return;
    try {
      const write = database.transaction('files', 'readwrite');
      write.objectStore('files').put(item.file, [id, item.id]);
      await settled(write);
    } catch (error) {
      if (error?.name === 'QuotaExceededError') notKept();
    }
  });
}
function notKept() {
  database = null;
  $('kept').textContent = t['not-kept'];
  notice(t['not-kept']);
}
async function drop(id, some) {
  if (!database) return;
  const write = database.transaction(STORES.slice(1), 'readwrite');
  for (const item of some) for (const name of STORES.slice(1)) write.objectStore(name).delete([id, item.id]);
  await settled(write).catch(notKept);
}
async function dropShift(id) {
  const write = database.transaction(STORES, 'readwrite');
  write.objectStore('shifts').delete(id);
  for (const name of STORES.slice(1)) write.objectStore(name).delete(ofShift(id));
  await settled(write).catch(notKept);
}
/** All shifts that are kept, the newest first. */
async function keptShifts() {
  if (!database) return [];
  const found = await settled(database.transaction('shifts').objectStore('shifts').getAll());
  return found.sort((a, b) => b.changed - a.changed);
}
async function keptPictures(id) {
  const read = database.transaction(STORES.slice(1));
  const [pictures, files, keys] = await Promise.all([
    settled(read.objectStore('pictures').getAll(ofShift(id))),
    settled(read.objectStore('files').getAll(ofShift(id))),
    settled(read.objectStore('files').getAllKeys(ofShift(id))),
  ]);
  const byId = new Map(keys.map(([, picture], nth) => [picture, files[nth]]));
  return pictures.map((item) => ({ ...item, filed: true, file: byId.get(item.id) || null }));
}
