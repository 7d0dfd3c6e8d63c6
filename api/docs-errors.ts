// Error codes on the page: with each operation, and all of them at its end.

import { type ErrorCode, errorCodes, errorTable } from "@rotorsh/contract";
import { html } from "hono/html";
import { breakable, type Html, prose } from "./docs-text.ts";

export function errorChapter(): Html {
  const sorted = [...errorCodes].sort((a, b) => errorTable[a].status - errorTable[b].status);
  return html`<section class="chapter" id="errors">
<h2><a class="anchor" href="#errors">Errors</a></h2>
<p>Tell errors apart by <code>code</code>; the sentences may change. Words in braces are filled in from
<code>details</code>.</p>
${errorRows(sorted, { anchors: true })}
</section>`;
}

export function errorRows(codes: readonly ErrorCode[], { anchors = false } = {}): Html {
  const rows = codes.map((code) => {
    const { status, message, hint } = errorTable[code] as { status: number; message: string; hint?: string };
    return html`<tr${anchors ? html` id="${anchorOf(code)}"` : ""}>
<th scope="row"><code>${breakable(code)}</code></th>
<td class="status">${status}</td>
<td>${prose(message)}</td>
<td>${hint ? prose(hint) : ""}</td>
</tr>`;
  });
  return html`<table class="fields errors">
<thead><tr><th>Code</th><th>Status</th><th>Message</th><th>What to do</th></tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

export function errorLink(code: ErrorCode): Html {
  return html`<a href="#${anchorOf(code)}"><code>${code}</code></a>`;
}

function anchorOf(code: ErrorCode): string {
  return `error-${code}`;
}
