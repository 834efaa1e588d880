// What the page knows.

const KINDS = ['pass', 'review', 'reject', 'failed'];
// The service may be below a prefix (a stage of API Gateway), with or without a slash at the end.
const BASE = new URL(location.pathname.replace(/\/?$/, '/'), location.origin);
const items = []; // Every picture, in the order of arrival.
const queue = []; // Those that wait to be scored.
const view = {
  kind: 'all',
  sort: 'arrival',
  page: 0,
  threshold: null,
  low: null,
  high: null,
  find: '',
  current: null,
  only: null,
  chosen: null,
  class: '',
};
const classNames = new Set();
const done = []; // When pictures were finished, for the speed.
const models = new Map(); // By SHA-256: another may be promoted at any time. Null: asked for.
let narrow = Infinity; // Bytes from which on pictures take the way through the bucket: one request was too small for them.
let bucket = true; // Whether this service has one, as far as is known.
let model = null,
  running = 0,
  batch = 0,
  pausedUntil = 0,
  offline = false,
  locked = false,
  unsaved = false;
// A sign-in elsewhere sends the browser back with a token behind the #, where no server sees it.
const given = new URLSearchParams(location.hash.slice(1)).get('id_token');
if (given) {
  sessionStorage.setItem('steel-defect-token', given);
  history.replaceState(null, '', location.pathname);
}
let token = sessionStorage.getItem('steel-defect-token') || '';
