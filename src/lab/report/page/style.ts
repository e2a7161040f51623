import { Markup } from '../figures/markup.ts'
import { figureStyle, themedColours } from '../figures/palette.ts'

/** The style sheet of the page. Figures and page have the same colours, and follow the same theme. */
export const pageStyle: Markup = new Markup(
  `:root{color-scheme:light dark;${themedColours.text}}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
main,header{max-width:62rem;margin-inline:auto;padding-inline:1rem}
header{padding-block:1.5rem .5rem;display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:start;justify-content:space-between}
h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.25rem 0 .5rem}
h3{font-size:1rem;margin:1.25rem 0 .25rem}
p{margin:.25rem 0}
a{color:var(--link)}
.quiet{color:var(--muted)}
code,.id{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.875em;overflow-wrap:anywhere}
pre{margin:.25rem 0;padding:.5rem .75rem;background:var(--card);border:1px solid var(--rule);border-radius:4px;white-space:pre-wrap}
button,input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--muted);border-radius:4px;padding:.25rem .75rem;min-height:2rem}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.verdict{border:1px solid var(--rule);border-inline-start:.5rem solid var(--state);border-radius:4px;background:var(--card);padding:.75rem 1rem;margin-top:.5rem}
.verdict strong.word{font-size:1.4rem;color:var(--state)}
.verdict ul{margin:.25rem 0;padding-inline-start:1.25rem}
.kept{--state:var(--kept)}.broken{--state:var(--broken)}.inconclusive{--state:var(--inconclusive)}
.state{color:var(--state);font-weight:600;white-space:nowrap}
.warning{border:2px solid var(--inconclusive);border-radius:4px;padding:.5rem .75rem;margin-top:.75rem}
.scroll{overflow-x:auto;margin:.25rem 0;background:linear-gradient(90deg,var(--ground) 40%,#0000) 0 0/2.5rem 100% no-repeat local,linear-gradient(-90deg,var(--ground) 40%,#0000) 100% 0/2.5rem 100% no-repeat local,linear-gradient(90deg,var(--muted),#0000) 0 0/.5rem 100% no-repeat scroll,linear-gradient(-90deg,var(--muted),#0000) 100% 0/.5rem 100% no-repeat scroll}
table{border-collapse:collapse;min-width:min(100%,20rem);font-size:.9375rem}
caption{text-align:start;color:var(--muted);padding-block:.25rem}
caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 2rem)}
th,td{text-align:start;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--rule)}
thead th{font-weight:600}tbody th{font-weight:400}
td.n,th.n{text-align:end;padding-inline:.75rem 0}td.n{white-space:nowrap}
tbody th{min-width:9rem}
figure{margin:1rem 0 1.5rem}
figcaption{color:var(--muted);font-size:.9375rem}
figure svg{display:block;width:100%;min-width:44rem;height:auto}
#find{width:20rem;max-width:100%}
details{margin:.25rem 0}
summary{cursor:pointer;min-height:1.5rem}
.message>summary{overflow-wrap:anywhere}
#tools{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.5rem 0}
svg.defs{position:absolute}
[hidden]{display:none!important}
@media(max-width:30rem){h1{font-size:1.25rem}td.n,th.n{padding-inline:.5rem 0}}
@media print{:root,:root[data-theme]{color-scheme:light}body{font-size:10pt}main,header{max-width:none;padding-inline:0}figure svg{min-width:0}.scroll{overflow:visible;background:none}figure,.verdict,tr{break-inside:avoid}h2,h3{break-after:avoid}button,#tools,#more{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
${figureStyle((name) => `var(--${name})`)}`,
)
