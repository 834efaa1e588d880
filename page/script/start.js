// What is there once, from the start.

document.documentElement.lang = LANGUAGE;
document.title = t.title;
for (const element of document.querySelectorAll('[data-t]')) element.append(t[element.dataset.t]);
for (const element of document.querySelectorAll('[data-l]')) element.setAttribute('aria-label', t[element.dataset.l]);
for (const [name, text] of Object.entries(t)) {
  const [help, ...keys] = name.split(' ');
  if (help === 'help')
    $$('#help dl').append(
      make('dt', {}, ...keys.flatMap((key) => [make('kbd', { textContent: key }), ' '])),
      make('dd', { textContent: text }),
    );
}
for (const part of t['keys-line'].split(';'))
  $('keys-line').append(make('kbd', { textContent: part.split(' ')[0] }), `${part.replace(/^\S+/, '')} `);

for (const kind of KINDS.slice(0, 3)) $$(`#legend .${kind}`).prepend(icon(kind));
for (const kind of ['all', ...KINDS]) {
  const button = make(
    'button',
    {
      id: `total-${kind}`,
      className: kind,
      onclick: () => {
        view.kind = view.kind === kind ? 'all' : kind;
        view.page = 0;
        refresh();
      },
    },
    icon(kind),
    make('span', { className: 'word', textContent: t[kind] }),
    make('b', { textContent: '0' }),
    make('small'),
  );
  $('totals').append(button);
}
$('threshold').oninput = () => {
  view.threshold = $('threshold').value / 100;
  keep();
  refresh();
};
for (const end of ['low', 'high']) {
  $(end).oninput = () => {
    if ($(end).value && $(end).validity.valid) view[end] = $(end).value / 100;
    keep();
    refresh();
  };
  $(end).onblur = refresh;
}
$('find').oninput = () => {
  view.find = $('find').value.trim().toLowerCase();
  view.page = 0;
  refresh();
};
$('own').onclick = () => {
  view.threshold = view.low = view.high = null;
  keep();
  $('threshold').focus();
  refresh();
};
$('sort').onchange = () => {
  view.sort = $('sort').value;
  view.page = 0;
  refresh();
};
$('class').onchange = () => {
  view.class = $('class').value;
  view.page = 0;
  refresh();
};
$('overlay').onchange = () => document.body.classList.toggle('no-map', !$('overlay').checked);
$('back').onclick = () => {
  view.page--;
  draw();
  scrollTo(0, $('list').offsetTop);
};
$('on').onclick = () => {
  view.page++;
  draw();
  scrollTo(0, $('list').offsetTop);
};
$('before').onclick = () => step(-1);
$('after').onclick = () => step(1);
$('csv').onclick = () => save(asCsv(), 'csv', 'text/csv');
$('json').onclick = () => save(asJson(), 'json', 'application/json');
$('prune').onclick = () => remove(items.filter((item) => item.status === 'failed'));
$('tools-open').onclick = () => {
  $('tools-open').ariaExpanded = document.body.classList.toggle('with-tools');
};
$('help-open').onclick = () => $('help').showModal();
$('docs').href = new URL('docs', BASE);
for (const button of document.querySelectorAll('[data-close]')) button.onclick = () => button.closest('dialog').close();
addEventListener('online', () => pump());
addEventListener('beforeunload', (event) => {
  if (dirty.size || (!database && (unsaved || running || queue.length))) event.preventDefault();
});
document.addEventListener('visibilitychange', flush);

drawShift();
draw();
greet();
