/* html_style.c - the style sheet of reports: light and dark, wide and narrow. */
#include "report/html_page.h"

/* A table whose rows are blocks of "name value" lines. */
#define BLOCKS(table)                                                                    \
    table " thead{display:none}" table "," table " tbody," table                         \
          " tr{display:block}" table                                                     \
          " tr{border-top:1px solid var(--line);padding:.5rem .2rem}" table              \
          " tr:first-child{border-top:0}" table                                          \
          " td{display:grid;grid-template-columns:8.5rem "                               \
          "minmax(0,1fr);gap:.7rem;border:0;"                                            \
          "padding:.12rem .7rem;text-align:left;white-space:normal;"                     \
          "overflow-wrap:anywhere}" table                                                \
          " td::before{content:attr(data-name);color:var(--soft);font-size:.8rem}" table \
          " td:empty{display:none}\n"

const char *const ofr_html_style[] = {
    ":root{color-scheme:light dark;--ink:#1c1f26;--soft:#5c6370;--line:#e3e5ea;"
    "--paper:#fbfbfc;--card:#fff;--accent:#2458c5;--good:#0f7a55;--fair:#9a5b00;"
    "--bad:#b42318;--ramp:46%;"
    "--c0:#2f67d8;--c1:#d9680f;--c2:#12906a;--c3:#c23a80;--c4:#7a52d1;--c5:#1188a0;"
    "--c6:#a3850a;--c7:#bd3029;--c8:#5f9417;--c9:#75604f;--c10:#868d99;"
    "--b0:#eceef2;--b1:#e4edfd;--b2:#d3eee2;--b3:#fbeee0}\n",
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8ec;--soft:#9aa1ad;"
    "--line:#2c313a;--paper:#14161a;--card:#1b1e24;--accent:#7ba7ff;--good:#4fc79a;"
    "--fair:#e5b04c;--bad:#ff8a7a;--ramp:66%;"
    "--c0:#6f9cf8;--c1:#f29a4f;--c2:#4cc49a;--c3:#ec7db4;--c4:#ab8ff5;--c5:#4fc0d6;"
    "--c6:#d9bd4a;--c7:#f47c72;--c8:#9ccb55;--c9:#b89f8c;--c10:#8a919e;"
    "--b0:#23272e;--b1:#1d2a44;--b2:#1f4a37;--b3:#35281a}}\n",
    "*{box-sizing:border-box}\n",
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"
    "-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
    "-webkit-text-size-adjust:100%}\n",
    "main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}\n",
    "header{padding-top:44px}\n",
    "h1{font-size:1.9rem;line-height:1.2;margin:0;letter-spacing:-.015em;"
    "font-weight:650;overflow-wrap:anywhere}\n",
    "header p{color:var(--soft);margin:.45rem 0 0;overflow-wrap:anywhere}\n",
    "nav{margin:1.1rem 0 0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;"
    "font-size:.9rem}\n",
    "a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}\n",
    "section{margin:2.6rem 0}\n",
    "h2{font-size:1.22rem;font-weight:640;margin:0 0 .35rem;letter-spacing:-.01em}\n",
    "section>p{margin:0 0 1rem;color:var(--soft);max-width:46rem;font-size:.95rem;"
    "overflow-wrap:anywhere}\n",
    "p.verdict{color:var(--ink);max-width:none;background:var(--card);border:1px solid "
    "var(--line);border-left:4px solid var(--c10);border-radius:8px;"
    "padding:.7rem 1rem}\n",
    "p.verdict b{display:block;font-size:1.05rem}\n",
    "p.mood1{border-left-color:var(--good)}p.mood1 b{color:var(--good)}"
    "p.mood2{border-left-color:var(--fair)}p.mood2 b{color:var(--fair)}"
    "p.mood3{border-left-color:var(--bad)}p.mood3 b{color:var(--bad)}\n",
    ".cards{display:grid;gap:12px;margin:0 0 1rem;"
    "grid-template-columns:repeat(auto-fill,minmax(min(100%,158px),1fr))}\n",
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;"
    "padding:.75rem .9rem;min-width:0}\n",
    ".card dt{font-size:.8rem;color:var(--soft);line-height:1.3;min-height:2.1em}\n",
    ".card dd{margin:0}.card .big{font-size:1.5rem;font-weight:640;line-height:1.25;"
    "letter-spacing:-.02em;font-variant-numeric:tabular-nums}\n",
    ".card .small{font-size:.8rem;color:var(--soft);"
    "font-variant-numeric:tabular-nums}\n",
    ".charts{display:grid;gap:16px;margin:0 0 1rem;"
    "grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr))}\n",
    "figure{margin:0;background:var(--card);border:1px solid var(--line);"
    "border-radius:10px;padding:.8rem .9rem .6rem;min-width:0}\n",
    "figcaption{font-weight:600;font-size:.93rem;margin-bottom:.3rem}\n",
    ".missing{color:var(--soft);font-size:.88rem}\n",
    "svg.shapes{position:absolute}\n",
    "svg.plot{display:block;width:100%;height:auto;fill:none;stroke:none;"
    "stroke-linecap:round;stroke-linejoin:round}\n",
    "svg.plot text{fill:var(--soft);font-size:11.5px;"
    "font-variant-numeric:tabular-nums}\n",
    "svg.plot polygon{shape-rendering:crispEdges}\n",
    ".grid{stroke:var(--line)}.axis{stroke:var(--c10)}\n",
    ".k0{stroke:var(--c0)}.k1{stroke:var(--c1)}.k2{stroke:var(--c2)}"
    ".k3{stroke:var(--c3)}.k4{stroke:var(--c4)}.k5{stroke:var(--c5)}"
    ".k6{stroke:var(--c6)}.k7{stroke:var(--c7)}.k8{stroke:var(--c8)}"
    ".k9{stroke:var(--c9)}.k10{stroke:var(--c10)}\n",
    ".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}"
    ".f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}"
    ".f8{fill:var(--c8)}.f9{fill:var(--c9)}.f10{fill:var(--c10)}\n",
    ".kr{stroke:hsl(var(--hue) 62% var(--ramp))}"
    ".fr{fill:hsl(var(--hue) 62% var(--ramp))}\n",
    ".band0{fill:var(--b0)}.band1{fill:var(--b1)}.band2{fill:var(--b2)}"
    ".band3{fill:var(--b3)}\n",
    ".hit{fill:var(--ink);fill-opacity:0;pointer-events:all}.hit:hover{"
    "fill-opacity:.08}.dot:hover{fill-opacity:.25}\n",
    ".legend{list-style:none;margin:.2rem 0 0;padding:0;display:flex;flex-wrap:wrap;"
    "gap:.1rem .9rem;font-size:.8rem;color:var(--soft)}\n",
    ".legend li{display:flex;align-items:center;gap:.35rem;overflow-wrap:anywhere}\n",
    ".legend svg{flex:none;fill:none}\n",
    "details{margin:0 0 1rem;font-size:.9rem}summary{cursor:pointer;"
    "color:var(--accent);padding:.2rem 0}\n",
    ".scroll{overflow-x:auto;margin:0 0 1rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:10px}\n",
    "table{border-collapse:separate;border-spacing:0;width:100%;font-size:.88rem;"
    "font-variant-numeric:tabular-nums}\n",
    "th,td{padding:.36rem .8rem;text-align:left;vertical-align:top;"
    "border-top:1px solid var(--line)}\n",
    "td:first-child,th:first-child{position:sticky;left:0;background:var(--card)}\n",
    "thead th{border-top:0;color:var(--soft);font-weight:560;font-size:.8rem;"
    "vertical-align:bottom;line-height:1.3}\n",
    ".n{text-align:right}td.n{white-space:nowrap}"
    "td:not(.n){overflow-wrap:break-word;unicode-bidi:isolate}"
    "td.any{overflow-wrap:anywhere}\n",
    "tbody tr:hover{background:color-mix(in srgb,var(--accent) 5%,transparent)}\n",
    "tbody:first-child tr:first-child td{border-top:0}"
    ".scroll:has(.matrix){width:fit-content;max-width:100%}\n",
    ".matrix{width:auto}.matrix td,.matrix "
    "th{text-align:center;min-width:2.9rem;padding:.4rem .55rem;border:0 solid "
    "var(--line);border-width:1px 0 0 1px}.matrix thead th{border-top:0}"
    ".matrix th:first-child,.matrix td:first-child{border-left:0}"
    ".matrix tbody tr td:first-child{text-align:left;white-space:nowrap;"
    "color:var(--soft)}\n",
    ".matrix td[style]{background:color-mix(in srgb,var(--c0) calc(var(--s)*55%),"
    "transparent)}.matrix td.diagonal{box-shadow:inset 0 0 0 2px var(--c10)}\n",
    ".texts td:not(.n){min-width:7rem}.texts .wide{min-width:16rem}\n",
    BLOCKS(".records"),
    "footer{color:var(--soft);font-size:.85rem;padding-top:1rem;padding-bottom:3rem;"
    "border-top:1px solid var(--line);margin-top:3rem}\n",
    "@media(max-width:640px){main,header,footer{padding-left:14px;padding-right:14px}"
    "header{padding-top:26px}h1{font-size:1.5rem}section{margin:2rem 0}"
    ".cards{grid-template-columns:1fr 1fr;gap:8px}.card .big{font-size:1.3rem}"
    "figure{padding:.7rem .5rem .5rem}figcaption,.legend{padding:0 .3rem}"
    "th,td{padding:.34rem .5rem}svg.plot text{font-size:13px}\n",
    BLOCKS(".texts") "}\n",
    "@media print{body{background:#fff}nav,summary{display:none}section{"
    "break-inside:avoid-page}}\n",
    NULL};
