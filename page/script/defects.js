// The defects of the enlarged picture.

/** What of it is shown: all, or one class. */
function drawClasses(item, place) {
  const count = (name) => item.defects.filter((defect) => defect.class === name).length;
  const choices = item.map
    ? [
        [null, t['any-defect']],
        ...item.map.classes.map((name) => [name, `${name} ${percent(item.classes[name] ?? 0)}`]),
      ]
    : item.defects?.length
      ? [
          [null, put(t['all-defects'], item.defects.length)],
          ...Object.keys(item.classes)
            .filter(count)
            .map((name) => [name, `${name} ${count(name)}`]),
        ]
      : [];
  place.replaceChildren(
    ...choices.map(([name, textContent]) =>
      make('button', {
        textContent,
        ariaPressed: name === view.only,
        onclick: () => {
          Object.assign(view, { only: name, chosen: null });
          drawViewer();
          $$('[aria-pressed=true]', place).focus();
        },
      }),
    ),
  );
}
/** Where a defect is and how large, in millimetres if they are known. */
function measured({ mm, area_px: area, center, length_px: length, page }, pages) {
  const round = (value) => numbers.format(Math.round(value));
  const on = pages > 1 ? `, ${put(t['on-page'], page)}` : '';
  return mm
    ? [
        `${numbers.format(mm.area)} mm², ${put(t.long, `${numbers.format(mm.length)} mm`)}`,
        `${round(mm.x)}, ${round(mm.y)} mm${on}`,
      ]
    : [`${round(area)} px, ${put(t.long, `${round(length)} px`)}`, `${round(center.x)}, ${round(center.y)} px${on}`];
}
function drawDefects(item) {
  const shown = (item.defects || []).filter((defect) => view.only === null || defect.class === view.only);
  $('defects').hidden = !shown.length;
  const rows = shown.map((defect) => {
    const button = make(
      'button',
      {
        ariaPressed: defect === view.chosen,
        onclick: () => {
          view.chosen = view.chosen === defect ? null : defect;
          drawViewer();
          if (view.chosen?.page === shownPage(item)) lookAt(defect);
          $$('#defects [aria-pressed=true]')?.focus();
        },
      },
      make('i', { className: colour(item, defect.class) }),
      defect.class,
    );
    return make(
      'tr',
      {},
      make('td', {}, button),
      ...[percent(defect.prob), ...measured(defect, item.view?.pages)].map((textContent) =>
        make('td', { textContent }),
      ),
    );
  });
  const left = item.count - (item.defects || []).length;
  const heads = [t.class, t.prob, t.size, t.place].map((textContent) => make('th', { textContent, scope: 'col' }));
  $('defects').replaceChildren(
    make('table', {}, make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...rows)),
    left > 0 ? put(t['and-more'], left) : '',
  );
}
