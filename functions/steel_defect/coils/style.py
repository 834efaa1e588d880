"""How the report of a coil looks, on a screen and printed."""

from typing import Final

STYLE: Final = """
:root{color-scheme:light}
body{margin:0 auto;max-width:1140px;padding:1rem;color:#12181f;background:#fff;
font:15px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:1.5rem;margin:0}
h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
.verdict{border-radius:.5rem;padding:.7rem 1rem;margin:.8rem 0;border:2px solid}
.verdict b{font-size:1.4rem;letter-spacing:.04em}
.pass{color:#0d6a3a;background:#dff3e7}
.review{color:#7a4900;background:#fff0d4}
.reject{color:#a3101a;background:#fde5e5}
.verdict li{color:#12181f}
ul{margin:.3rem 0;padding-left:1.2rem}
table{border-collapse:collapse;width:100%}
th,td{padding:.25rem .6rem;border-bottom:1px solid #d5dce3;text-align:right;vertical-align:top}
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}
th{background:#f1f4f7}
td.text, th.text{text-align:left;overflow-wrap:anywhere}
td.over{background:#fde5e5;font-weight:650}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}
.strip{fill:#eef2f5;stroke:#9aa6b2}
.gap{fill:#574a92;opacity:.35}
.unjudged{stroke:#7a4900;stroke-width:1.5;stroke-dasharray:4 3}
.again{fill:none;stroke:#12181f;stroke-width:1.5}
.bar{fill:#8593a1}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}
.key svg{width:16px;height:16px;vertical-align:-3px}
.quiet{color:#515d69}
@media print{body{max-width:none} h2{break-after:avoid} tr{break-inside:avoid}}
"""
