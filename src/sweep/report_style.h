// SPDX-License-Identifier: Apache-2.0
// How the report looks. The colours of verdicts are told apart by people who do not see all colours
// (after Okabe and Ito, "Color Universal Design").
#pragma once

#include <string_view>

namespace rookery::sweep {

inline constexpr std::string_view kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #ffffff; --ink: #1d2125; --soft: #636b74; --line: #e1e4e8; --track: #eceef0;
  --v0: #2a9d77; --v1: #cf4a1f; --v2: #e0a000; --v3: #2b72b8; --v4: #a75b9a; --v5: #5db3dc;
  --v6: #7a6a4f; --v7: #8a929b; --v8: #d98cb3; --v9: #4b5fa5;
  --heat: #cf4a1f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f23; --ink: #e4e7ea; --soft: #98a1aa; --line: #2e343a; --track: #2a3036;
    --v0: #3fb68f; --v1: #e8683c; --v2: #eab53a; --v3: #5b9bdb; --v4: #c383b8; --v5: #7cc6ea;
    --v6: #a8977a; --v7: #99a1aa; --v8: #e3a6c5; --v9: #8192d6;
    --heat: #e8683c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 28px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 4px; font-weight: 620; }
h3 { font-size: 14px; margin: 22px 0 6px; font-weight: 620; }
p { margin: 0 0 12px; }
.soft, .note { color: var(--soft); }
.note { font-size: 13px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px 24px; margin-top: 20px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px 28px; margin: 22px 0 0; }
.facts div { min-width: 0; }
.facts dt { color: var(--soft); font-size: 12.5px; margin: 0; }
.facts dd { margin: 0; font-size: 16px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: 12.5px; white-space: nowrap; }
td, th { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td { border-bottom: 0; }
td.n, th.n { text-align: right; white-space: nowrap; }
table.wide { width: 100%; }
code, pre { font: 12.5px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { margin: 6px 0 2px; padding: 10px 12px; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 420px; }
code.all { user-select: all; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--soft); font-size: 13px; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px; }
.verdict { white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 8px 0 10px; font-size: 13px; color: var(--soft); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .track { fill: var(--track); }
td.bar { width: 34%; min-width: 180px; padding-top: 9px; }
table.heat { font-size: 12.5px; border-spacing: 2px; border-collapse: separate; }
table.heat td, table.heat th { border: 0; padding: 4px 8px; border-radius: 3px; text-align: center; white-space: nowrap; vertical-align: middle; }
table.heat th.row { text-align: right; }
table.heat td { min-width: 46px; background: color-mix(in srgb, var(--heat) calc(var(--s) * 88%), var(--track)); }
table.heat td.strong { color: #fff; }
table.heat td.none { background: none; color: var(--soft); }
footer { margin-top: 28px; color: var(--soft); font-size: 12.5px; overflow-wrap: anywhere; }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --track: #eee; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 14px 0; }
  tr, svg, h2, h3 { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  pre { max-height: none; }
}
)css";

// How many colours of verdicts there are: --v0 on.
inline constexpr unsigned kVerdictColours = 10;

}  // namespace rookery::sweep
