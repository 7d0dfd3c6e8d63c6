// The small pieces of HTML that every part of the page uses. `html` escapes whatever is put into it.

import { html } from "hono/html";

/** Finished HTML: escaped already. */
export type Html = ReturnType<typeof html>;

/** A sentence of the contract, in which `backticks` mark code. */
export function prose(text: string): Html[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

/** A block of code, in which strings and comments have their own colour. */
export function codeBlock(text: string): Html {
  const parts = text.split(/("(?:[^"\\\n]|\\.)*"|\/\/ .*$)/m);
  const coloured = parts.map((part, index) => {
    if (index % 2 === 0) return html`${part}`;
    return part.startsWith("//") ? html`<i>${part}</i>` : html`<b>${part}</b>`;
  });
  // Can be scrolled sideways, so it can be reached by keyboard.
  return html`<pre tabindex="0"><code>${coloured}</code></pre>`;
}

/** A name that may break after its dots and underscores. */
export function breakable(name: string): Html[] {
  return name.split(/(?<=[._\]])/).map((part) => html`${part}<wbr>`);
}

/** `apiKeys` → `API keys`. */
export function titleOf(noun: string): string {
  const words = noun.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/^api\b/, "API");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
