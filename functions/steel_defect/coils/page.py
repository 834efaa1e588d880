"""The report of a coil as one HTML file that loads nothing."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from steel_defect.coils.strip_map import MOST_DRAWN, mark, svg_of
from steel_defect.coils.style import STYLE
from steel_defect.coils.summary import area_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from steel_defect.coils.summary import Summary

_NAMED: Final = 200


def html_of(summary: Summary) -> str:
    """The page. Everything that others wrote is escaped, and its policy lets it load and run nothing."""
    content = summary.content
    name = escape(content["coil"])
    parts = [
        f"<h1>Coil <bdi>{name}</bdi></h1>",
        _facts(content),
        _verdict(content),
        "<h2>Where</h2>",
        svg_of(summary),
        _key(summary),
        *_classes(summary),
        *_periods(content),
        *_unjudged(content),
        *_worst(content),
        _models(content),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Coil {name}: {content['decision']}</title><style>{STYLE}</style></head>\n<body>"
        + "\n".join(part for part in parts if part)
        + "</body></html>\n"
    )


def _facts(content: dict[str, Any]) -> str:
    pictures = content["pictures"]
    facts = [f"{pictures['seen']:,} pictures" + (f" of {pictures['expected']:,}" if pictures["expected"] else "")]
    facts += [
        f"{pictures[kind]:,} {kind}"
        for kind in ("pass", "review", "reject", "failed", "waiting", "unreadable")
        if pictures[kind]
    ]
    if pictures["first_mm"] is not None:
        facts.append(f"{pictures['first_mm'] / 1000:,.1f} to {pictures['last_mm'] / 1000:,.1f} m")
    if content["grade"]:
        facts.append(f"grade {escape(content['grade'])}")
    return f'<p class="quiet">{" · ".join(facts)}</p>'


def _verdict(content: dict[str, Any]) -> str:
    decision = content["decision"]
    table = (
        "by the acceptance table"
        if content["acceptance"]
        else "by the worst picture: there is no acceptance table for it"
    )
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in content["reasons"])
    return (
        f'<div class="verdict {decision}"><b>{decision.upper()}</b> {table}'
        + (f"<ul>{reasons}</ul>" if reasons else "")
        + "</div>"
    )


def _key(summary: Summary) -> str:
    classes = [
        f'<span><svg viewBox="-8 -8 16 16"><path {mark(index)}/></svg> {escape(name)}</span>'
        for index, name in enumerate(summary.tally.classes)
    ]
    if summary.content["periods"]:
        classes.append('<span><svg viewBox="-8 -8 16 16"><circle r="7" class="again"/></svg> comes again</span>')
    if summary.content["pictures"]["gap_count"]:
        classes.append('<span><svg viewBox="0 0 16 16"><path d="M0 0h16v16H0z" class="gap"/></svg> no picture</span>')
    if summary.tally.unjudged:
        classes.append('<span><svg viewBox="0 0 16 16"><path d="M8 0v16" class="unjudged"/></svg> not judged</span>')
    found = summary.content["defects"]
    notes = []
    if found["counted"] > MOST_DRAWN:
        notes.append(f"The largest {MOST_DRAWN:,} of {found['counted']:,} defects are drawn.")
    if found["seen_twice"]:
        notes.append(f"{found['seen_twice']:,} were seen by two pictures, and count once.")
    if not found["overlaps_joined"]:
        notes.append("Several pictures cover each place: what two of them show is counted twice.")
    said = f'<p class="quiet">{" ".join(notes)}</p>' if notes else ""
    return f'<p class="key">{"".join(classes)}</p>{said}'


def _classes(summary: Summary) -> list[str]:
    content = summary.content
    names, limits = area_names(summary), content["acceptance"]
    rows = []
    for one in content["defects"]["by_class"]:
        counts = one["by_area"] or [0] * len(names)
        row = None if limits is None else limits.get(one["class"], limits.get("*"))
        cells = [
            _count(count, None if row is None else row[index], row is not None) for index, count in enumerate(counts)
        ]
        rows.append(f"<tr><td>{escape(one['class'])}</td>{''.join(cells)}<td>{one['unsized'] or ''}</td></tr>")
    heads = [f"{name} mm²" for name in names]
    note = "<p class='quiet'>Defects, and behind the stroke the most that are allowed.</p>" if limits else ""
    parts = ["<h2>Defects by class and area</h2>"]
    parts.append(_table(["class", *heads, "area not known"], rows) + note if rows else "<p>None were found.</p>")
    by_class = content["pictures_by_class"]
    if by_class:
        parts.append("<h2>Rejected pictures by class, of a model that does not tell defects apart</h2>")
        parts.append(
            _table(["class", "pictures"], [f"<tr><td>{escape(c)}</td><td>{n:,}</td></tr>" for c, n in by_class.items()])
        )
    return parts


def _count(count: int, most: int | None, limited: bool) -> str:  # noqa: FBT001 - one cell
    if not limited:
        return f"<td>{count:,}</td>"
    over = most is not None and count > most
    return f"<td{' class=over' if over else ''}>{count:,} / {'any' if most is None else f'{most:,}'}</td>"


def _periods(content: dict[str, Any]) -> list[str]:
    rows = []
    for one in content["periods"]:
        source = (
            "as far apart as the pictures: look at the lens first"
            if one["of_the_camera"]
            else f"roll of {one['roll_diameter_mm']:,.0f} mm"
        )
        rows.append(
            f"<tr><td>{one['period_mm']:,.1f} mm</td><td class=text>{source}</td><td>{one['marks']:,}</td>"
            f"<td>{one['first_mm'] / 1000:,.1f} to {one['last_mm'] / 1000:,.1f} m</td>"
            f"<td>{one['across_mm'][0]:,.0f} to {one['across_mm'][1]:,.0f} mm</td>"
            f"<td>{one['pairs']:,} / {one['pairs_by_chance']:,.1f}</td></tr>"
        )
    if not rows:
        return ["<h2>Marks that come again</h2>", "<p>None that chance would not give as well.</p>"]
    heads = ["every", "source", "marks", "along", "across", "pairs / by chance"]
    note = (
        "<p class=quiet>Pairs of defects 1 to 4 periods apart in one lane, against as many as chance gives. None of "
        "999 copies of the coil, whose defects were moved at random along the strip, had any period as strong: by "
        "chance, one coil in a thousand does. The roll is one that prints once a turn, if the strip was not stretched "
        "since.</p>"
    )
    return ["<h2>Marks that come again</h2>", _table(heads, rows, text=(1,)) + note]


def _unjudged(content: dict[str, Any]) -> list[str]:
    pictures = content["pictures"]
    rows = [
        f"<tr><td>{escape(one['key'])}</td><td>{_metres(one['position_mm'])}</td>"
        f"<td class=text>{escape(one['why'])}</td></tr>"
        for one in content["unjudged"][:_NAMED]
    ]
    rows += [
        f"<tr><td>{gap['pictures']:,} missing</td><td>{gap['from_mm'] / 1000:,.1f} to {gap['to_mm'] / 1000:,.1f}</td>"
        "<td class=text>missing: no picture between these positions</td></tr>"
        for gap in pictures["gaps"][:_NAMED]
    ]
    if not rows:
        return []
    total = sum(pictures[kind] for kind in ("review", "failed", "waiting", "unreadable"))
    more = f"<p class=quiet>{total - _NAMED:,} more are not listed here.</p>" if total > _NAMED else ""
    return ["<h2>Pictures that are not judged</h2>", _table(["picture", "metre", "why"], rows, text=(2,)) + more]


def _worst(content: dict[str, Any]) -> list[str]:
    rows = [
        f"<tr><td>{escape(one['key'])}</td><td>{_metres(one['position_mm'])}</td><td>{one['decision']}</td>"
        f"<td>{one['prob']:.3f}</td><td>{'' if one['defects'] is None else one['defects']}</td></tr>"
        for one in content["worst"]
    ]
    heads = ["picture", "metre", "decision", "probability", "defects"]
    return ["<h2>Worst pictures</h2>", _table(heads, rows)] if rows else []


def _models(content: dict[str, Any]) -> str:
    names = ", ".join(
        f"{escape(one['name'])} {escape(one['version'])} ({escape(one['sha256'][:12])})" for one in content["models"]
    )
    return f'<p class="quiet">Scored by {names}.</p>' if names else ""


def _table(heads: Sequence[str], rows: Iterable[str], text: tuple[int, ...] = ()) -> str:
    cells = "".join(f"<th{' class=text' if index in text else ''}>{head}</th>" for index, head in enumerate(heads))
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _metres(position: float | None) -> str:
    return "" if position is None else f"{position / 1000:,.2f}"
