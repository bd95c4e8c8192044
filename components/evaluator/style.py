"""The report's style sheet: light and dark, screen and paper, system fonts only."""

CSS = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #566171; --paper: #ffffff; --panel: #f5f7fa; --line: #d8dee6;
  --bar: #2f62b5; --good: #17693a; --good-bg: #e7f5ec; --bad: #a8201a; --bad-bg: #fdecea; --note: #7a5200;
  --note-bg: #fdf4dd; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #a9b4c2; --paper: #12161c;
  --panel: #1b2129; --line: #343d49; --bar: #7fb0ff; --good: #7fdba0; --good-bg: #12301f; --bad: #ff9c94;
  --bad-bg: #3a1716; --note: #f1cd7a; --note-bg: #342a12; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 21px; margin: 44px 0 8px; padding-top: 20px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 24px 0 6px; }
p { margin: 6px 0 12px; }
.soft, figcaption + .soft { color: var(--soft); }
.verdict { margin: 24px 0; padding: 18px 22px; border-radius: 10px; border-left: 6px solid; }
.verdict h2 { margin: 0 0 6px; padding: 0; border: 0; font-size: 22px; }
.verdict ul { list-style: none; margin: 10px 0 0; padding: 0; color: var(--ink); }
.verdict li { margin: 5px 0; padding-left: 26px; text-indent: -26px; overflow-wrap: anywhere; }
.good { background: var(--good-bg); border-color: var(--good); }
.bad { background: var(--bad-bg); border-color: var(--bad); }
.good h2, .mark-good { color: var(--good); }
.bad h2, .mark-bad { color: var(--bad); }
.mark-good, .mark-bad, .mark-note { display: inline-block; width: 26px; text-indent: 0; font-weight: 700; }
.mark-note { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: 6px; }
th, td { padding: 7px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child { text-align: left; min-width: 110px; overflow-wrap: break-word; }
th.words { text-align: left; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
tbody th { font-weight: 500; }
td.words { text-align: left; color: var(--soft); max-width: 440px; }
tr.all th, tr.all td { font-weight: 700; background: var(--panel); }
tr.small th, tr.small td { color: var(--soft); font-style: italic; }
.chip { display: inline-block; padding: 1px 9px; border-radius: 999px; font-size: 12.5px; font-weight: 600;
  font-style: normal; white-space: nowrap; }
.chip.good, .chip.bad, .chip.note { border: 0; }
.chip.good { color: var(--good); }
.chip.bad { color: var(--bad); }
.chip.note { color: var(--note); background: var(--note-bg); }
.chip.plain { color: var(--soft); background: var(--panel); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 14px;
  margin: 14px 0 20px; }
figure { margin: 0; padding: 14px 16px 10px; background: var(--panel); border-radius: 10px; break-inside: avoid; }
figcaption { font-weight: 600; font-size: 14.5px; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 9.5px; fill: var(--ink); }
svg .value { font-variant-numeric: tabular-nums; }
svg .bar { fill: var(--bar); }
svg .faded { fill: var(--soft); fill-opacity: .35; stroke: var(--soft); stroke-dasharray: 3 2; }
svg .reference { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2.5 1.5; }
dl { display: grid; grid-template-columns: minmax(140px, max-content) 1fr; gap: 6px 18px; margin: 10px 0; }
dt { font-weight: 600; }
dd { margin: 0; color: var(--soft); }
@media (max-width: 600px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 8px; } }
@media print { body { font-size: 12px; } main { max-width: none; padding: 0; }
  tr, figure, .verdict { break-inside: avoid; }
  h2, h3 { break-after: avoid; } .scroll { overflow: visible; }
  .verdict, figure, svg, tr.all, .chip { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
