// The way of a picture, through the bucket of uploads where one request does not take it.

const LONG = 600_000; // And for a picture to come into the bucket, or its result out of it.
const BEGINS = [
  [/^\xff\xd8/, 'image/jpeg'],
  [/^\x89PNG/, 'image/png'],
  [/^RIFF....WEBP/s, 'image/webp'],
  [/^BM/, 'image/bmp'],
  [/^(II\*\0|MM\0\*)/, 'image/tiff'],
];
const SENT_AS = ['image/jpeg', 'image/png', 'image/webp', 'image/bmp', 'image/tiff'];

async function ask(item, bytes) {
  if (bucket && item.file.size >= narrow) {
    const response = await throughBucket(item, bytes);
    if (item.key || response.status !== 404) return response;
    bucket = false;
  }
  const type = SENT_AS.includes(item.file.type) ? item.file.type : 'application/octet-stream';
  const response = await send(`predict?map=true&masks=true${isShowable(bytes) ? '' : '&preview=true'}`, {
    method: 'POST',
    body: bytes,
    headers: { 'Content-Type': type },
  });
  if (!bucket || response.status !== 413 || response.headers.get('Content-Type') === 'application/problem+json')
    return response;
  narrow = Math.min(narrow, bytes.byteLength);
  return ask(item, bytes);
}
/** The type of a picture, by its first bytes if the browser does not know it: the bucket takes what can be scored. */
const typeOf = (file, bytes) => (SENT_AS.includes(file.type) ? file.type : typeBy(bytes));
function typeBy(bytes) {
  const begin = String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(bytes.byteLength, 12)));
  const found = BEGINS.find(([pattern]) => pattern.test(begin));
  return found ? found[1] : 'application/octet-stream';
}
/** No browser but Safari shows TIFF. */
const isShowable = (bytes) => ['image/jpeg', 'image/png', 'image/webp', 'image/bmp'].includes(typeBy(bytes));
/** A preview of what turned out not to be shown here. */
async function askPreview(item) {
  if (item.asked || item.key || !item.file.size) return;
  item.asked = true;
  const response = await send('predict?preview=true', { method: 'POST', body: item.file }).catch(() => null);
  if (response?.ok) takePreview(item, await response.json());
  else if (!response) item.asked = false;
  refresh();
}
function takePreview(item, { preview }) {
  if (!preview) return;
  item.preview = new Blob([Uint8Array.from(atob(preview.jpeg), (letter) => letter.charCodeAt(0))], {
    type: 'image/jpeg',
  });
  item.unshowable = true;
  if (isHere(item)) keep(item);
}
/** Put a picture where a signed URL says, then wait for its result. A try after a pause goes on where this one was. */
async function throughBucket(item, bytes) {
  if (!item.key) {
    const { name, size } = item.file;
    const response = await post('uploads', { name, size, content_type: typeOf(item.file, bytes) });
    if (response.status === 404) bucket = false;
    if (!response.ok) return response;
    const { method, url, headers, key } = await response.json();
    const put = await fetch(url, {
      method,
      headers,
      body: bytes,
      credentials: 'omit',
      signal: AbortSignal.timeout(LONG),
    }).catch(() => ({}));
    if (!put.ok) return new Response('{"detail": "The bucket of uploads did not take it"}', { status: 502 });
    item.key = key;
    refresh();
  }
  for (const end = Date.now() + LONG; ;) {
    const response = await send(`results/${item.key}`);
    if (response.status !== 404 || Date.now() > end) return response;
    await wait(1000 * (Number(response.headers.get('Retry-After')) || 2));
  }
}
