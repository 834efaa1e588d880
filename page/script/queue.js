// Pictures on their way to the service and back.

const PARALLEL = 4; // Requests at the same time.
const TRIES = 7; // Of one picture, while the service is busy.

function pump() {
  const pause = pausedUntil - Date.now();
  if (pause > 0) {
    setTimeout(pump, pause + 5);
    return;
  }
  while (running < PARALLEL && queue.length && !offline && !locked) {
    running++;
    const item = queue.shift();
    score(item).finally(() => {
      running--;
      if (isHere(item)) keep(item);
      showState();
      refresh();
      pump();
    });
  }
}
function putBack(item) {
  if (!isHere(item)) return;
  item.status = 'waiting';
  queue.unshift(item);
}
function fail(item, title, detail, again = false) {
  const text = String(detail || '');
  Object.assign(item, {
    status: 'failed',
    error: { title, detail: text.charAt(0).toUpperCase() + text.slice(1), again },
  });
  done.push(performance.now());
}
async function score(item) {
  item.status = 'sending';
  if (model && item.file.size > model.input.max_bytes) {
    return fail(
      item,
      t['too-many-bytes'],
      put(t['over-limit'], megabytes(item.file.size), megabytes(model.input.max_bytes)),
    );
  }
  let bytes;
  try {
    bytes = await item.file.arrayBuffer();
  } catch {
    return fail(item, t.unreadable, t['unreadable+'], true);
  }
  const twin = await twinOf(item, bytes);
  if (twin) return leaveOut(item, twin);
  const start = performance.now();
  let response;
  try {
    response = await ask(item, bytes);
    if (response.ok) return take(item, await response.json(), performance.now() - start);
  } catch (error) {
    if (error.name === 'TimeoutError' && ++item.tries < TRIES) return putBack(item);
    if (error.name === 'TimeoutError') return fail(item, t['no-answer'], t['no-answer+'], true);
    if (error.name === 'SyntaxError') return fail(item, t['internal-error'], t['bad-answer'], true);
    if (item.file.size > 4e6) narrow = Math.min(narrow, item.file.size); // Some platforms cut what is too large.
    putBack(item);
    if (!offline) {
      offline = true;
      greet();
    }
    return;
  }
  if (response.status === 401 || response.status === 403) {
    putBack(item);
    return locked ? undefined : lock(response.status);
  }
  const problem = await problemIn(response);
  if ([429, 502, 503, 504].includes(response.status) && ++item.tries < TRIES) {
    // All wait, not this one alone: the service is busy. The waits grow, and differ between pages.
    const asked = 1000 * Number(response.headers.get('Retry-After')) || 0;
    const delay = Math.max(asked, Math.min(400 * 2 ** item.tries, 20_000) * (0.5 + Math.random()));
    pausedUntil = Math.max(pausedUntil, Date.now() + delay);
    return putBack(item);
  }
  if (response.status === 429) return fail(item, t['too-busy'], t['too-busy+'], true);
  const { title, detail, again } = words(response, problem, item);
  fail(item, title, detail, again || response.status >= 500);
}
function take(item, answer, milliseconds) {
  if (answer.problem) {
    const { title, detail } = answer.problem;
    const slug = answer.problem.type.split(':').pop();
    return fail(item, t[slug] || title, t[`${slug}+`] || detail);
  }
  Object.assign(item, {
    status: 'scored',
    p: answer.defect_prob,
    decision: answer.decision,
    own: answer.threshold,
    classes: answer.class_prob,
    reasons: answer.reasons || [],
    view: answer.view || null,
    model: answer.model,
    image: answer.image,
    timings: answer.timings_ms,
    milliseconds,
    scoredAt: new Date().toISOString(),
  });
  item.source = sourceIn(answer);
  takePreview(item, answer);
  const { defects = null, masks = null, defect_map: map } = answer;
  Object.assign(item, { defects, masks, count: answer.defect_count ?? 0 });
  for (const name of Object.keys(item.classes)) classNames.add(name);
  // Coarse, and of use only where nobody outlined the damage. One byte a cell: enough to see, and little to keep.
  if (map && !defects)
    item.map = { ...map, values: map.values.map((plane) => Uint8Array.from(plane.flat(), (p) => Math.round(255 * p))) };
  done.push(performance.now());
  if (!models.has(answer.model.sha256)) {
    models.set(answer.model.sha256, null);
    greet();
  }
}
