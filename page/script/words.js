// What operators say, sent to the service where it keeps verdicts. Exports have it in any case.

const SAID_AFTER = 2000; // Milliseconds: a class, or an undo, may still come.
let keepsWords = null; // Whether this service does; null: not known yet.
let sendingWords = false;

/** Take down what somebody says of a picture now; their word before, if it was not sent, does not count any more. */
function speak(item, who) {
  const { verdict, kind, note } = item.who === who && item.verdict ? item : { verdict: 'withdrawn' };
  const word = {
    verdict,
    class: (verdict === 'reject' && kind) || null,
    note: note || '',
    when: new Date().toISOString(),
  };
  item.words = { ...item.words, [who]: { ...word, due: Date.now() + SAID_AFTER } };
  keep(item);
  sendWords();
}
const unsentOf = (item) => Object.keys(item.words || {}).length;
function sendLater(after) {
  clearTimeout(sendLater.timer);
  sendLater.timer = setTimeout(sendWords, after);
}
async function sendWords() {
  if (sendingWords || keepsWords === false || offline || locked) return;
  sendingWords = true;
  let after = 0;
  try {
    for (const item of items.filter(unsentOf)) {
      for (const [who, word] of Object.entries(item.words)) {
        if (word.due > Date.now()) after = SAID_AFTER;
        else if (!(await sendWord(item, who, word))) after = 10_000;
        if (keepsWords === false) return;
      }
    }
  } catch {
    after = 10_000; // No connection.
  } finally {
    sendingWords = false;
    if (after) sendLater(after);
    refresh();
  }
}
/** True if it need not be tried again. */
async function sendWord(item, who, { due, ...word }) {
  const as = item.said?.[who] || who || shift.operator;
  const done = () => {
    if (item.words[who]?.due === due) delete item.words[who];
    keep(item);
    return true;
  };
  if (word.verdict === 'withdrawn' && !item.said?.[who]) return done(); // It was never sent.
  if (!as) {
    keepsWords ??= (await send('verdicts?picture=-')).ok;
    return true; // It waits until the operator is named.
  }
  const { name, version, sha256 } = item.model;
  const source = await placeOf(item);
  const stated = { ...source, ...word, who: as, model: { name, version, sha256 } };
  const response = await post('verdicts', stated);
  if (response.status === 404 || response.status === 405) {
    keepsWords = false;
    return false;
  }
  if (response.status === 401 || response.status === 403) {
    if (!locked) lock(response.status);
    return false;
  }
  if (response.status === 400) {
    notice(put(t['word-refused'], item.name, (await problemIn(response)).detail));
    return done();
  }
  if (!response.ok) return false;
  keepsWords = true;
  item.said = { ...item.said, [who]: as };
  return done();
}
const post = (path, content) =>
  send(path, { method: 'POST', body: JSON.stringify(content), headers: { 'Content-Type': 'application/json' } });
/** The picture in the bucket of uploads, where it can be learnt from; its own name where there is no way into it. */
async function placeOf(item) {
  if (!item.source && bucket && item.file.size) {
    const response = await throughBucket(item, await item.file.arrayBuffer());
    if (response.ok) item.source = sourceIn(await response.json());
    else if (response.status !== 404) throw new Error(response.status);
  }
  return item.source || { picture: item.name };
}
const sourceIn = ({ source }) => (source ? { picture: source.key, version: source.version } : null);
