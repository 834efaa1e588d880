// What a picture is, by the model, the limits in use, and the operator.

const logit = (p) => Math.log(p / (1 - p));

const isMoved = () => view.threshold !== null || view.low !== null || view.high !== null;
/** Threshold and review band in use: the model's own, or moved together by the same odds, or an end of the band by itself. */
function limits(item) {
  const by = item?.model ? models.get(item.model.sha256) : model;
  const own = by
    ? { t: by.threshold, low: by.review_low, high: by.review_high }
    : item?.model
      ? { t: item.own, low: item.own, high: item.own }
      : null;
  if (!own || !isMoved()) return own;
  const t = view.threshold ?? own.t;
  const shift = logit(t) - logit(own.t);
  const moved = (p) => (p <= 0 || p >= 1 ? p : 1 / (1 + Math.exp(-logit(p) - shift)));
  return { t, low: Math.min(t, view.low ?? moved(own.low)), high: Math.max(t, view.high ?? moved(own.high)) };
}
/** What the model says with the threshold in use. */
function judged(item) {
  if (!isMoved()) return item.decision;
  const { low, high } = limits(item);
  return item.p >= high ? 'reject' : item.p >= low || item.reasons.length ? 'review' : 'pass';
}
/** Whether the model cannot judge it: no threshold changes that. */
const isSuspect = (item) => item.status === 'scored' && item.reasons.length > 0 && judged(item) === 'review';
/** What the model leans to where it had to choose; null if its probability means nothing. */
const leaning = (item) => {
  if (isSuspect(item)) return null;
  const said = judged(item);
  return said === 'review' ? (item.p >= limits(item).t ? 'reject' : 'pass') : said;
};
const opposite = (kind) => (kind === 'pass' ? 'reject' : 'pass');
const kindOf = (item) =>
  item.status === 'scored' ? item.verdict || judged(item) : item.status === 'failed' ? 'failed' : 'waiting';
/** Whether nobody can see it here: then nobody passes it either. */
const isBlind = (item) => Boolean(item.unshowable && !item.preview);
/** A browser shows the first page of a file, a preview the one that decided. */
const shownPage = (item) => (item.preview ? item.view.page : 1);
/** How the operator's word relates to the model's, as it stands now. */
const relation = (item) =>
  !item.verdict ? '' : isSuspect(item) ? 'decided' : item.verdict === leaning(item) ? 'accepted' : 'overruled';
