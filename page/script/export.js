// CSV and JSON.

function record(item) {
  const scored = item.status === 'scored';
  return {
    file: item.name,
    bytes: item.bytes,
    status: item.status,
    decision: scored ? kindOf(item) : '',
    model_decision: scored ? judged(item) : '',
    operator: scored ? relation(item) : '',
    operator_decision: item.verdict || '',
    operator_class: item.kind || '',
    operator_time: item.decidedAt || '',
    operator_name: item.verdict ? item.who || shift.operator : '',
    operator_note: item.note,
    coil: shift.coil,
    same_as: (item.also || []).join(' '),
    defect_prob: item.p ?? '',
    threshold: scored ? limits(item).t : '',
    model_threshold: item.own ?? '',
    review_low: scored ? limits(item).low : '',
    review_high: scored ? limits(item).high : '',
    ...(scored
      ? {
          class_prob: item.classes,
          reasons: item.reasons,
          view: item.view,
          defects: item.defects ?? undefined,
          defect_count: item.defects ? item.count : undefined,
        }
      : {}),
    width: item.image?.width ?? '',
    height: item.image?.height ?? '',
    format: item.image?.format ?? '',
    decode_ms: item.timings?.decode ?? '',
    model_ms: item.timings?.model ?? '',
    request_ms: scored ? Math.round(item.milliseconds) : '',
    scored_time: item.scoredAt || '',
    model: item.model?.name ?? '',
    model_version: item.model?.version ?? '',
    model_sha256: item.model?.sha256 ?? '',
    error: item.error && item.status === 'failed' ? `${item.error.title}. ${item.error.detail}` : '',
  };
}
/** A cell of the CSV. A text that a spreadsheet would take for a formula gets an apostrophe in front. */
function cell(value) {
  let text = String(value);
  if (typeof value === 'string' && /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(text)) text = `'${text}`;
  return /[",;\r\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
function asCsv() {
  const classes = [...new Set(items.flatMap((item) => Object.keys(item.classes || {})))];
  const rows = items
    .filter((item) => kindOf(item) !== 'waiting')
    .map(({ ...item }) => {
      const {
        class_prob: probabilities = {},
        reasons = [],
        view: _,
        defects: __,
        defect_count: defects = '',
        ...row
      } = record(item);
      return {
        ...row,
        reasons: reasons.join(' '),
        defects,
        ...Object.fromEntries(classes.map((name) => [`prob: ${name}`, probabilities[name] ?? ''])),
      };
    });
  // With the mark of UTF-8 in front, which Excel needs.
  return `\uFEFF${[Object.keys(rows[0]), ...rows.map(Object.values)].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}
function asJson() {
  const pictures = items.filter((item) => kindOf(item) !== 'waiting').map(record);
  return JSON.stringify(
    {
      exported: new Date().toISOString(),
      service: BASE.href,
      coil: shift.coil,
      operator: shift.operator,
      started: shift.started,
      threshold_moved_to: view.threshold,
      review_moved_to: [view.low, view.high],
      pictures,
    },
    null,
    1,
  );
}
function save(text, ending, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  make('a', { href: address, download: `steel-defect ${stamp}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  unsaved = false;
}
