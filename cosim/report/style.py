# SPDX-License-Identifier: Apache-2.0
"""Style sheet of the HTML reports: light, dark and print, with colours for golden and RTL that all can tell apart."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --card: #ffffff; --ink: #1d2330; --soft: #5a6273; --rule: #d9dbe1; --grid: #e7e8ec;
  --golden: #c98500; --golden-soft: #f3c766; --rtl: #0b62a8; --truth: #00785a; --good: #00694f; --bad: #b3400a;
  --good-ground: #e2f3ec; --bad-ground: #fcebe1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171d; --card: #1c2028; --ink: #e6e8ee; --soft: #a3abbb; --rule: #363c49; --grid: #2a2f3a;
    --golden: #e6a322; --golden-soft: #8a6a22; --rtl: #6cb8f0; --truth: #3cc79d; --good: #57d3ab; --bad: #ff9a66;
    --good-ground: #16302a; --bad-ground: #3a2317;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", sans-serif; }
main, header, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.2rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
p { max-width: 48rem; margin: .4rem 0 .8rem; }
a { color: var(--rtl); }
nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .95rem; }
code, .mono, .ports td { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size: .88em; }
code { overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.verdict { border-left: 6px solid; border-radius: 6px; padding: .8rem 1.1rem; margin: 1.2rem 0; }
.verdict p { margin: 0; max-width: none; }
.verdict strong { display: block; font-size: 1.2rem; }
.good { background: var(--good-ground); border-color: var(--good); }
.bad { background: var(--bad-ground); border-color: var(--bad); }
.good strong, .yes { color: var(--good); }
.bad strong, .no { color: var(--bad); font-weight: 600; }
dl.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
dl.cards div { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .7rem .9rem; }
dl.cards dt { color: var(--soft); font-size: .88rem; }
dl.cards dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
dl.cards dd small { font-size: .85rem; color: var(--soft); display: block; }
.scroll { overflow-x: auto; margin: .8rem 0 1.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .94rem; min-width: 40%; }
caption { text-align: left; color: var(--soft); padding: 0 0 .4rem; }
th, td { padding: .32rem .8rem; border-bottom: 1px solid var(--grid); text-align: right; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--rule); }
th:first-child, .left { text-align: left; }
tbody th { font-weight: 500; }
.left { display: block; }
td .left { color: var(--soft); min-width: 12rem; }
table.ports { font-size: .82rem; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--rtl); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem .9rem; }
figure.wide { margin: .8rem 0; }
figcaption { display: flex; flex-wrap: wrap; gap: .1rem .9rem; align-items: baseline; font-size: .93rem; }
figure.wide figcaption { display: block; }
.legend { display: inline-flex; flex-wrap: wrap; gap: .9rem; color: var(--soft); font-size: .88rem; }
.key { display: inline-block; width: 1.5em; border-top: 3px solid; margin-right: .4em; vertical-align: .25em; }
.key.golden { border-top-width: 7px; border-color: var(--golden-soft); }
.key.rtl { border-color: var(--rtl); }
.key.truth { border-color: var(--truth); border-top-style: dashed; }
.key.trial { border-color: var(--soft); }
.key.front { border-color: var(--rtl); border-top-width: 5px; }
.key.none { border-color: var(--soft); border-top-style: dotted; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
svg text.label { fill: var(--ink); }
svg .grid { stroke: var(--grid); }
svg .dot.trial { fill: var(--soft); opacity: .4; }
svg .dot.front { fill: var(--rtl); }
svg.parallel { min-width: 56rem; }
svg .axis { stroke: var(--soft); }
svg .path { fill: none; opacity: .3; stroke-width: 1; }
svg .path.front { opacity: 1; stroke-width: 2.6; }
pre { overflow-x: auto; margin: .3rem 0; font-size: .88rem; }
pre.commands { white-space: pre-wrap; }
svg .line { fill: none; stroke-linejoin: round; }
svg .line.golden { stroke: var(--golden-soft); stroke-width: 6; stroke-linecap: round; }
svg .line.rtl { stroke: var(--rtl); stroke-width: 1.7; }
svg .line.truth { stroke: var(--truth); stroke-width: 1.7; stroke-dasharray: 6 3; }
svg .line.none { stroke: var(--soft); stroke-width: 1.4; stroke-dasharray: 2 4; }
svg .dot.golden { fill: var(--golden); }
svg .dot.rtl { fill: var(--rtl); }
svg .dot.truth, svg .dot.none { fill: transparent; }
svg .golden .bar { fill: var(--golden-soft); }
svg .outline { fill: none; stroke-width: 1.4; }
svg .rtl .outline { stroke: var(--rtl); }
svg .truth .outline { stroke: var(--truth); stroke-dasharray: 5 3; stroke-width: 1.6; }
svg.waves { min-width: 62rem; }
svg .mark { fill: var(--bad-ground); stroke: var(--bad); stroke-dasharray: 4 3; }
svg text.name, svg text.value { fill: var(--ink); font: 11.5px ui-monospace, "DejaVu Sans Mono", monospace; }
svg .high { fill: var(--soft); opacity: .22; }
svg .level { fill: none; stroke-width: 1.8; stroke: var(--ink); }
svg .word { fill: none; stroke: var(--soft); stroke-width: 1.2; }
svg .golden .level, svg .golden .word { stroke: var(--golden); }
svg .rtl .level, svg .rtl .word { stroke: var(--rtl); }
svg .differs { fill: var(--card); stroke: var(--bad); stroke-width: 2.4; }
footer { color: var(--soft); font-size: .9rem; margin-top: 3rem; padding-bottom: 2.5rem; }
@media print {
  :root {
    color-scheme: light; --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #bbb; --grid: #ddd;
    --golden: #a86f00; --golden-soft: #f0c25c; --rtl: #0b62a8; --truth: #00785a; --good: #00694f; --bad: #b3400a;
    --good-ground: #fff; --bad-ground: #fff;
  }
  body { font-size: 10.5pt; }
  nav { display: none; }
  figure, tr, .verdict, dl.cards { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  svg.waves { min-width: 0; }
  .figures { grid-template-columns: 1fr 1fr; }
  th, td { padding: .2rem .4rem; }
  td .left { min-width: 0; }
  details { display: none; }
}
"""
