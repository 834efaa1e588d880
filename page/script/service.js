// The service: its requests, its model, its errors.

const PATIENCE = 60_000; // Milliseconds for one request.

async function send(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token) headers.set('Authorization', `Bearer ${token}`);
  return fetch(new URL(path, BASE), { ...options, headers, cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
}
function showLink(state, words) {
  $('link').className = state;
  const text = $$('span', $('link'));
  if (text.textContent !== words) text.textContent = words;
}
function showState() {
  $('sign').hidden = !(token || locked);
  $('sign').textContent = locked ? t['sign-in'] : t.token;
  $('forget').hidden = !token;
  $('down').hidden = !offline && !locked;
  $('down').textContent = !offline && !locked ? '' : t[offline ? 'down' : 'signed-out+'];
  if (offline) showLink('bad', t.offline);
  else if (locked) showLink('bad', t['signed-out']);
  else if (Date.now() < pausedUntil) showLink('slow', t.busy);
  else if (model) showLink('good', t.connected);
}
/** Ask what serves; true once it has answered. Goes on asking while there is no connection. */
async function greet() {
  for (let nth = 0; ; nth++) {
    try {
      const response = await send('model');
      offline = false;
      if (response.status === 401 || response.status === 403) return (lock(response.status), false);
      if (response.ok) {
        model = await response.json();
        models.set(model.sha256, model);
        locked = false;
        $('model').textContent = `${model.name} ${model.version} (${model.sha256.slice(0, 8)})`;
        $('wrong').textContent = '';
        showState();
        refresh();
        pump();
        sendWords();
        return true;
      }
      showLink('bad', response.status === 503 ? t['no-model'] : t['odd-service']);
    } catch {
      offline = true;
      showState();
    }
    await wait(Math.min(500 * 2 ** nth, 10_000));
  }
}
function lock(status) {
  locked = true;
  $('wrong').textContent = !token ? '' : status === 403 ? t['token-may-not'] : t['token-old'];
  showState();
  if (!$('signing').open) $('signing').showModal();
}
async function problemIn(response) {
  try {
    const body = await response.json();
    return {
      slug: String(body.type || '')
        .split(':')
        .pop(),
      detail: body.detail || body.message,
    };
  } catch {
    return { slug: '' };
  }
}
function words(response, problem, item) {
  const title = t[problem.slug];
  if (title) return { title, detail: t[`${problem.slug}+`] || problem.detail };
  if (response.status === 413)
    return { title: t['too-many-bytes'], detail: put(t['over-gateway'], megabytes(item.file.size)) };
  return {
    title: response.status < 500 ? t.refused : t['internal-error'],
    detail: `${problem.detail || t['no-reason']} (${response.status})`,
    again: true,
  };
}
