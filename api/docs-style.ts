/** The style sheet of the reference. Colours follow the system; narrow screens get one column. */
export const docsStyle = `
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --paper: #ffffff; --line: #e3e3df; --text: #1d2125; --quiet: #62696f;
  --accent: #0b6b63; --code: #f3f3f0; --block: #14191d; --block-text: #dde3e6; --block-quiet: #9aa5ab;
  --string: #8fd6c4; --comment: #8d989e; --mark: #e4f3f0;
  --get: #0a5fa8; --post: #1b7339; --put: #8a5a00; --patch: #6d45b8; --delete: #b3261e;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101315; --paper: #171b1e; --line: #2b3135; --text: #e3e6e8; --quiet: #98a2a8;
    --accent: #58c9ba; --code: #20262a; --block: #0b0e10; --mark: #12332f;
    --get: #70b5f0; --post: #6fcf8b; --put: #e0b050; --patch: #b79bf0; --delete: #f28b82;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
a { color: var(--accent); text-underline-offset: 2px; }
a:focus-visible, pre:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font: 0.875em/1.5 var(--mono); overflow-wrap: anywhere; }
p code, dd code, td code { background: var(--code); border-radius: 4px; padding: 0.1em 0.3em; }
h1, h2, h3 { line-height: 1.25; letter-spacing: -0.01em; }
h1 { font-size: 2rem; margin: 0 0 1.5rem; }
h2 { font-size: 1.5rem; margin: 0 0 1rem; }
h3 { font-size: 1.125rem; margin: 0 0 0.5rem; }
h4 { font-size: 0.8125rem; margin: 1.5rem 0 0; color: var(--quiet); font-weight: 600; }
p { margin: 0 0 1rem; max-width: 44rem; }
.aside { color: var(--quiet); font-size: 0.875rem; font-weight: 400; }
.anchor { color: inherit; text-decoration: none; }
.anchor:hover { text-decoration: underline; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 0.75rem; z-index: 3; background: var(--paper); padding: 0.25rem 0.5rem; }

header {
  position: sticky; top: 0; z-index: 2; display: flex; gap: 1rem; align-items: center; height: 3.5rem;
  padding: 0 1.5rem; background: var(--paper); border-bottom: 1px solid var(--line);
}
header nav { margin-left: auto; }
.brand { display: flex; gap: 0.5rem; align-items: center; color: var(--text); font-weight: 650; text-decoration: none; }
.brand svg { color: var(--accent); }

.contents {
  position: fixed; top: 3.5rem; bottom: 0; left: 0; width: 15rem; overflow-y: auto; scrollbar-width: thin;
  padding: 1.25rem 0.75rem 2rem; border-right: 1px solid var(--line); font-size: 0.875rem;
}
.contents a {
  display: flex; justify-content: space-between; align-items: center; gap: 0.5rem;
  padding: 0.2rem 0.75rem; border-radius: 6px; color: var(--text); text-decoration: none;
}
.contents a:hover { background: var(--code); }
.contents .top { font-weight: 600; }
.contents .of-noun { margin-top: 0.75rem; }
.contents ul { list-style: none; margin: 0; padding: 0; }
.contents li a { color: var(--quiet); }
.contents li a:hover { color: var(--text); }

main { margin-left: 15rem; padding: 2.5rem 2.5rem 6rem; max-width: 80rem; }
.chapter, .noun { margin-bottom: 4rem; }
.operation { border-top: 1px solid var(--line); padding: 2rem 0; }
.lead { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 2rem; align-items: start; }
.route { display: flex; gap: 0.6rem; align-items: baseline; }
.route code { background: none; padding: 0; font-size: 0.9375rem; }
.method {
  font: 600 0.75rem/1.5 var(--mono); padding: 0.1em 0.45em; border-radius: 4px;
  border: 1px solid currentColor; white-space: nowrap;
}
.contents .method { border: 0; padding: 0; font-size: 0.625rem; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
.patch { color: var(--patch); } .delete { color: var(--delete); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.3rem 1rem; margin: 0; font-size: 0.9375rem; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; }
.rules dt { font-weight: 600; }
.rules dd { margin: 0 0 0.75rem; max-width: 44rem; }
.none { color: var(--quiet); margin: 1.5rem 0 0; }

pre {
  margin: 0 0 1rem; padding: 0.9rem 1rem; overflow-x: auto; background: var(--block); color: var(--block-text);
  border-radius: 8px; font-size: 0.9375rem; tab-size: 2; color-scheme: dark; scrollbar-width: thin;
}
pre code { overflow-wrap: normal; white-space: pre; }
pre b { font-weight: 400; color: var(--string); }
pre i { font-style: normal; color: var(--comment); }
.chapter > pre { max-width: 44rem; }

.samples { display: flex; flex-wrap: wrap; background: var(--block); border-radius: 8px; overflow: hidden; }
.samples > input { position: absolute; opacity: 0; pointer-events: none; }
.samples > label {
  padding: 0.5rem 0.9rem; cursor: pointer; color: var(--block-quiet); font-size: 0.8125rem; font-weight: 600;
  border-bottom: 2px solid transparent;
}
.samples > label:hover { color: var(--block-text); }
.samples > input:checked + label { color: #fff; border-bottom-color: #58c9ba; }
.samples > input:focus-visible + label { outline: 2px solid #58c9ba; outline-offset: -3px; border-radius: 6px; }
.samples > div { display: none; flex-basis: 100%; min-width: 0; border-top: 1px solid #2b3135; padding: 0.25rem 0; }
.samples > input:nth-of-type(1):checked ~ div:nth-of-type(1),
.samples > input:nth-of-type(2):checked ~ div:nth-of-type(2),
.samples > input:nth-of-type(3):checked ~ div:nth-of-type(3),
.samples > input:nth-of-type(4):checked ~ div:nth-of-type(4) { display: block; }
.samples pre { margin: 0; border-radius: 0; background: none; }
.samples p { margin: 0; padding: 0.25rem 1rem 0.75rem; color: var(--block-quiet); font-size: 0.875rem; }
.samples p code { background: none; padding: 0; color: var(--block-text); }
.samples div > p:first-child { padding-top: 0.75rem; }

table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
th, td { text-align: left; vertical-align: top; padding: 0.55rem 1rem 0.55rem 0; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--quiet); font-size: 0.8125rem; font-weight: 500; }
tbody th { font-weight: 500; }
.type { color: var(--quiet); font-size: 0.875rem; }
.bounds { display: block; font-size: 0.8125rem; }
.default code { overflow-wrap: normal; white-space: nowrap; }
.need { font-size: 0.875rem; color: var(--quiet); }
.need strong { color: var(--delete); font-weight: 500; }
.parameters th:nth-child(1) { width: 22%; } .parameters th:nth-child(2) { width: 18%; }
.parameters th:nth-child(3) { width: 10%; } .parameters th:nth-child(4) { width: 13%; }
.answer th:nth-child(1) { width: 30%; } .answer th:nth-child(2) { width: 25%; }
.errors th:nth-child(1) { width: 24%; } .errors th:nth-child(2) { width: 7%; } .errors th:nth-child(3) { width: 34%; }
.fields { table-layout: fixed; overflow-wrap: break-word; }
.fields th, .fields td { vertical-align: baseline; }
.roles { max-width: 44rem; margin-bottom: 1rem; }
.chapter ul { margin: 0 0 1rem; padding-left: 1.25rem; max-width: 44rem; }
.no { color: var(--quiet); opacity: 0.7; }
tr:target { background: var(--mark); }

details { border-top: 1px solid var(--line); margin-top: 0.75rem; }
details + details { margin-top: 0; }
summary { cursor: pointer; padding: 0.6rem 0; font-weight: 600; font-size: 0.9375rem; }
summary .aside { margin-left: 0.75rem; overflow-wrap: anywhere; }
details > p { margin: 0.75rem 0; font-size: 0.9375rem; }

@media (max-width: 70rem) {
  .lead { grid-template-columns: minmax(0, 1fr); gap: 1.25rem; }
}
@media (max-width: 52rem) {
  html { scroll-padding-top: 1rem; }
  header { position: static; padding: 0 1rem; }
  .contents {
    position: static; width: auto; display: flex; flex-wrap: wrap; gap: 0.4rem; padding: 1rem;
    border-right: 0; border-bottom: 1px solid var(--line);
  }
  .contents ul { display: none; }
  .contents .top { margin: 0; font-weight: 500; border: 1px solid var(--line); padding: 0.4rem 0.75rem; background: var(--paper); }
  main { margin-left: 0; padding: 1.5rem 1rem 4rem; }
  h1 { font-size: 1.625rem; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 0.6rem; }
  .fields, .fields tbody { display: block; }
  .fields thead { position: absolute; left: -99rem; }
  .fields tr { display: flex; flex-wrap: wrap; gap: 0.1rem 0.75rem; align-items: baseline; padding: 0.7rem 0; border-top: 1px solid var(--line); }
  .fields th, .fields td { border: 0; padding: 0; width: auto !important; }
  .fields td:last-child, .errors td:nth-child(3) { flex-basis: 100%; }
  .fields td:empty { display: none; }
  .bounds { display: inline; margin-left: 0.5rem; }
  .fields .default::before { content: "default "; color: var(--quiet); font-size: 0.875rem; }
  .roles { font-size: 0.8125rem; }
  .roles th, .roles td { padding-right: 0.4rem; }
}
@media print {
  header, .contents { position: static; }
  main { margin: 0; }
}
`;
