// Threshold, band, filters.

function drawTools(counts) {
  const own = limits();
  const slider = $('threshold');
  slider.disabled = !own;
  $('own').disabled = !isMoved();
  $('legend').hidden = !own;
  if (own) {
    if (view.threshold === null) slider.value = 100 * own.t;
    $$('#tools output').textContent = percent(own.t);
    slider.setAttribute('aria-valuetext', put(t.band, percent(own.t), percent(own.low), percent(own.high)));
    const shares = { pass: own.low, review: own.high - own.low, reject: 1 - own.high };
    for (const [kind, share] of Object.entries(shares))
      $$(`#legend .${kind}`).style.setProperty('--share', Math.round(100 * share));
    for (const end of ['low', 'high'])
      if (document.activeElement !== $(end)) $(end).value = (100 * own[end]).toFixed(1);
  }
  $('of-class').hidden = classNames.size < 2;
  for (const name of [...classNames].slice($('class').length - 1))
    $('class').append(make('option', { value: name, textContent: name }));
  $('csv').disabled = $('json').disabled = $('report-open').disabled = items.length === counts.waiting;
  $('clear').disabled = !items.length;
  $('prune').hidden = !counts.failed;
}
