/** The one style of the connect pages. It stands in each page, and its hash in the page's policy, so that nothing is loaded. */
import { createHash } from 'node:crypto'
import type { Html } from './html.ts'

const style = `
:root{color-scheme:light dark;--ground:#f5f6f8;--card:#fff;--text:#1b1f27;--soft:#596273;--line:#d9dde5;--main:#1d4fd8;--on-main:#fff;--good:#12703a;--warn:#8a5200;--bad:#b3261e;--tint:#eef2ff}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1b2029;--text:#e9ecf2;--soft:#a4adbd;--line:#333b49;--main:#8fb0ff;--on-main:#0c1530;--good:#6fd39a;--warn:#f1bd6c;--bad:#ff9d94;--tint:#202a44}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
a{color:var(--main)}
header,main{max-width:42rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;justify-content:space-between;padding-top:1.25rem;color:var(--soft);font-size:.9rem}
header a{color:inherit;text-decoration:none;font-weight:650}
header form{display:flex;gap:.75rem;align-items:center}
main{padding-bottom:4rem}
h1{font-size:1.6rem;line-height:1.25;margin:2rem 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}
p{margin:.5rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft)}
ul.cards{list-style:none;margin:1.5rem 0;padding:0;display:grid;gap:.9rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.25rem}
section.card{margin:1.25rem 0}
.top{display:flex;flex-wrap:wrap;gap:.25rem .75rem;justify-content:space-between;align-items:baseline}
.state{font-size:.85rem;font-weight:650;white-space:nowrap}
.state::before{content:"";display:inline-block;width:.55rem;height:.55rem;margin-right:.4rem;border-radius:50%;background:currentColor}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.row{display:flex;flex-wrap:wrap;gap:.6rem;margin-top:.9rem}
label{display:block;font-weight:600;margin-top:1rem}
.hint{color:var(--soft);font-size:.875rem;margin:.1rem 0}
input{display:block;width:100%;margin-top:.3rem;padding:.6rem .7rem;font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:.5rem}
button,.button{display:inline-block;font:inherit;font-weight:600;padding:.55rem 1.05rem;border:1px solid var(--main);border-radius:.5rem;background:var(--main);color:var(--on-main);text-decoration:none;cursor:pointer}
form>button{margin-top:1.1rem}
.row form>button{margin-top:0}
.top p{margin:0}
main>p>.button{margin-top:.5rem}
.plain{background:none;color:var(--text);border-color:var(--soft)}
header button{padding:.2rem .6rem;margin:0}
:focus-visible{outline:3px solid var(--main);outline-offset:2px}
.note{border-left:.25rem solid currentColor;border-radius:.25rem;padding:.6rem .9rem;margin:1rem 0;background:var(--tint)}
.note p{color:var(--text);margin:0}
code{font-size:.9em}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
`

/** Whole, for a blank more or less would be another hash. */
export const styleElement: Html = { html: `<style>${style}</style>` }

export const styleHash = `sha256-${createHash('sha256').update(style).digest('base64')}`
