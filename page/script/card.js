// One picture: its card, and its words in the viewer.

function newCard(item) {
  const card = make(
    'li',
    { className: 'card', tabIndex: -1, item },
    make('button', {
      className: 'frame',
      tabIndex: 0,
      onclick: () => {
        select(item);
        enlarge();
      },
    }),
    make(
      'div',
      { className: 'head' },
      make('span', { className: 'badge' }),
      make('span', { className: 'by' }),
      make('bdi', { className: 'name', textContent: item.name, title: item.name }),
      make('button', {
        className: 'out',
        textContent: '×',
        title: t.remove,
        ariaLabel: put(t['remove-it'], item.name),
        onclick: () => remove([item]),
      }),
    ),
    make('div', { className: 'body' }),
    make('div', { className: 'do' }),
  );
  card.addEventListener('pointerdown', () => mark(item));
  card.addEventListener('focusin', () => mark(item));
  $$('.frame', card).setAttribute('aria-label', put(t.enlarge, item.name));
  $$('.frame', card).append(standIn(item.file.name.split('.').pop().slice(0, 5).toUpperCase(), ''));
  paint(item);
  return card;
}
/** Bring a card up to date; what did not change is left alone. */
function fillCard(item) {
  const kind = kindOf(item);
  const at = item.status === 'scored' ? limits(item) : null;
  const state = [
    kind,
    item.status,
    item.key,
    item.verdict,
    item.kind,
    item.note,
    item.also?.length,
    isBlind(item),
    locked,
    at && [at.t, at.low, at.high],
  ].join();
  item.card.setAttribute('aria-current', view.current === item);
  if (item.card.state === state) return;
  item.card.state = state;
  item.card.className = `card ${looks(item)}`;
  fill(item.card, item);
  paint(item);
}
const looks = (item) => (kindOf(item) === 'review' && isSuspect(item) ? 'review suspect' : kindOf(item));
/** How the picture was laid before the model, if that is not plain. */
function layout({ view: laid, also }) {
  if (!laid) return '';
  return [
    also ? put(t['came-times'], 1 + also.length) : '',
    laid.turned ? t.turned : '',
    laid.tiles > 1 ? put(t.tiles, laid.tiles) : '',
    laid.pages > 1 ? put(t['of-pages'], laid.page, laid.pages) : '',
    laid.bit_depth_from === 'estimate' ? put(t.bits, laid.bit_depth) : '',
  ]
    .filter(Boolean)
    .join(', ');
}
/** Badge, bar, facts and buttons, on a card or in the viewer. */
function fill(root, item) {
  const kind = kindOf(item);
  const word = kind === 'waiting' ? t[item.status] : t[kind];
  const suspect = looks(item).endsWith('suspect');
  $$('.badge', root).replaceChildren(icon(suspect ? 'suspect' : kind), word);
  $$('.by', root).textContent = item.verdict
    ? put(t['by-you'], t[relation(item)]) + (item.kind ? `, ${item.kind}` : '')
    : '';
  const body = $$('.body', root);
  const buttons = $$('.do', root);
  if (item.status === 'scored') {
    const at = limits(item);
    const bar = make(
      'div',
      { className: 'bar' },
      make('div', { className: 'in' }),
      make('div', { className: 'doubt' }),
      make('div', { className: 'at' }),
    );
    for (const [name, value] of [
      ['--p', item.p],
      ['--t', at.t],
      ['--low', at.low],
      ['--high', at.high],
    ])
      bar.style.setProperty(name, value);
    bar.setAttribute('role', 'img');
    bar.setAttribute('aria-label', put(t.bar, percent(item.p), percent(at.t), percent(at.low), percent(at.high)));
    const named = [likely(item), item.count ? plural(item.count, 'defect') : ''].filter(Boolean).join(', ');
    const told = item.reasons.map(reasonWords);
    // On a card the reasons take the bar's place, so that nothing moves; enlarged, there is room for what to do.
    const odd = make('p', {
      className: 'odd',
      textContent: told.map(([title], nth) => (nth ? title[0].toLowerCase() + title.slice(1) : title)).join(', '),
      title: told.flat().join(' '),
    });
    const advice = make(
      'ul',
      { className: 'advice' },
      ...told.map(([title, todo]) => make('li', {}, make('b', { textContent: `${title}. ` }), todo)),
    );
    body.replaceChildren(
      ...(!told.length ? [bar] : root === $('viewer') ? [bar, advice] : [odd]),
      make(
        'div',
        { className: 'facts' },
        make('b', { textContent: percent(item.p) }),
        make('span', { className: 'class', textContent: named }),
        make('span', { className: 'how', textContent: layout(item), title: layout(item) }),
        make('span', {
          className: 'time',
          textContent: `${item.image.width} × ${item.image.height}, ${Math.round(item.milliseconds)} ms`,
          title: item.timings
            ? put(t.times, item.timings.decode, item.timings.model, Math.round(item.milliseconds))
            : t['by-bucket'],
        }),
      ),
    );
    const lean = leaning(item);
    const choices = lean
      ? [
          [lean, t.accept],
          [opposite(lean), t.overrule],
        ]
      : [
          ['pass', t.looked],
          ['reject', t.looked],
        ];
    const choose = choices.map(([verdict, text]) =>
      make('button', {
        textContent: put(text, t[verdict]),
        disabled: verdict === 'pass' && isBlind(item),
        title: verdict === 'pass' && isBlind(item) ? put(t.blind, item.name) : '',
        ariaPressed: item.verdict === verdict,
        className: item.verdict === verdict ? 'chosen' : '',
        onclick: () => decide(item, verdict),
      }),
    );
    if (item.verdict)
      choose.push(
        make('button', {
          className: 'back',
          textContent: '↶',
          title: t.withdraw,
          ariaLabel: t.withdraw,
          onclick: () => decide(item, null),
        }),
      );
    const had = buttons.contains(document.activeElement) ? [...buttons.children].indexOf(document.activeElement) : -1;
    buttons.replaceChildren(...choose);
    if (had >= 0) buttons.children[Math.min(had, choose.length - 1)].focus({ preventScroll: true });
  } else if (item.status === 'failed') {
    body.replaceChildren(
      make(
        'p',
        { className: 'why', title: item.error.detail },
        make('b', { textContent: `${item.error.title}. ` }),
        item.error.detail,
      ),
    );
    buttons.replaceChildren(
      ...(item.error.again ? [make('button', { textContent: t.again, onclick: () => retry(item) })] : []),
    );
  } else {
    body.replaceChildren(
      make('p', {
        className: 'why',
        textContent:
          item.status === 'sending'
            ? t.scoring + (item.key ? `, ${t['in-bucket']}` : '')
            : locked
              ? t['waits-sign-in']
              : '',
      }),
    );
    buttons.replaceChildren();
  }
}
function retry(item) {
  item.tries = 0;
  item.status = 'waiting';
  queue.push(item);
  refresh();
  pump();
}
