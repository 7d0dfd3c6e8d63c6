// What holds for every operation: how to call, who may, what comes back.

import { type Capability, type Permission, plans, roles } from "@rotorsh/contract";
import { permissionsOf } from "@rotorsh/engine";
import { html } from "hono/html";
import { codeBlock, type Html } from "./docs-text.ts";
import { bodyLimitBytes } from "./read-input.ts";

export const chapters = [
  { id: "start", title: "Start" },
  { id: "calls", title: "Calls and answers" },
  { id: "access", title: "Access" },
] as const;

export function guide(): Html {
  return html`${start()}${calls()}${access()}`;
}

function start(): Html {
  return html`<section class="chapter" id="start">
<h2><a class="anchor" href="#start">Start</a></h2>
<p>Every operation can be called four ways: over HTTP, from TypeScript, on the command line, and by an agent over
MCP. They share names, rules and errors. The samples below read the server's address and a key from the environment:</p>
${codeBlock(`export ROTOR_API_URL=http://127.0.0.1:8787
export ROTOR_API_KEY=rt_ws_…

curl "$ROTOR_API_URL/v1/whoami" -H "Authorization: Bearer $ROTOR_API_KEY"`)}
<p>To give the server to Claude Code:</p>
${codeBlock(`claude mcp add --transport http rotor "$ROTOR_API_URL/mcp" \\
  --header "Authorization: Bearer $ROTOR_API_KEY"`)}
<p>The same description for programs is OpenAPI 3.1 at <a href="doc"><code>/doc</code></a>.</p>
</section>`;
}

function calls(): Html {
  const error = `{
  "error": {
    "code": "QUEUE_NOT_FOUND",
    "message": "There is no queue welcome-emials.",
    "hint": "List the queues to see their names.",
    "details": { "name": "welcome-emials" },
    "request_id": "req_019a53c0f1d24b6e8f0a1c2d3e4f5a6b"
  }
}`;
  return html`<section class="chapter" id="calls">
<h2><a class="anchor" href="#calls">Calls and answers</a></h2>
<p>Bodies are JSON with <code>Content-Type: application/json</code>, at most ${bodyLimitBytes / 1024} KB unless the operation says otherwise. A field
that is not known is refused by name. Success is 201 when something was created, else 200. A failure has one form
on every surface:</p>
${codeBlock(error)}
<dl class="rules">
<dt>Lists</dt><dd>Answer <code>data</code> and <code>nextCursor</code>; pass that as <code>cursor</code> for the next
page. It is null on the last one. <code>limit</code> is 50 unless you say otherwise, and at most 200.</dd>
<dt>Repeating a write</dt><dd>Send <code>Idempotency-Key</code> with a text of your own. The same request with the same
key within 24 hours gets the first answer again, marked <code>Idempotent-Replayed: true</code>.</dd>
<dt>Rate</dt><dd><code>RateLimit</code> and <code>RateLimit-Policy</code> say how far the workspace is through its
minute. After that comes 429 with <code>Retry-After</code>. The plans are ${plans.join(", ")}.</dd>
<dt>Request id</dt><dd><code>x-request-id</code> is in every answer, in the logs and in the audit log. Your own is kept
when it is 1 to 64 letters, digits, or <code>. : _ -</code>.</dd>
</dl>
</section>`;
}

const permissions: readonly { name: Permission; allows: string }[] = [
  { name: "read", allows: "look at everything in the workspace except its keys" },
  { name: "develop", allows: "change queues, list keys, and make keys that can do no more than one's own" },
  { name: "approve", allows: "decide approvals" },
  { name: "manage", allows: "change members, the workspace, and team keys" },
];

const approver: Capability = "approver";

function access(): Html {
  const head = roles.map((role) => html`<th>${role}</th>`);
  const rows = permissions.map(({ name }) => {
    const cells = roles.map((role) => {
      const has = permissionsOf({ role, capabilities: [] }).has(name);
      return html`<td class="mark">${has ? "yes" : html`<span class="no">no</span>`}</td>`;
    });
    return html`<tr><th scope="row"><code>${name}</code></th>${cells}</tr>`;
  });
  const meanings = permissions.map(({ name, allows }) => html`<li><code>${name}</code>: ${allows}.</li>`);
  return html`<section class="chapter" id="access">
<h2><a class="anchor" href="#access">Access</a></h2>
<p>Send a key as <code>Authorization: Bearer &lt;key&gt;</code>, never in an address. What it may do is what its role
allows, and no more than what the member it belongs to still may. A key of nobody acts as viewer.</p>
<table class="roles"><thead><tr><th>Permission</th>${head}</tr></thead><tbody>${rows}</tbody></table>
<ul>${meanings}</ul>
<p>The capability <code>${approver}</code> adds <code>approve</code> to any role. What belongs to another workspace
answers 404, as if it did not exist.</p>
<dl class="rules">
<dt><code>rt_ws_…</code></dt><dd>A workspace key.</dd>
<dt><code>rt_team_…</code></dt><dd>A team key: every workspace of the team. It needs the header
<code>x-rotor-workspace: ws_…</code></dd>
<dt><code>rt_q_…</code></dt><dd>A queue key: the operations that say so, for its own queue. MCP refuses it.</dd>
<dt><code>ADMIN_TOKEN</code></dt><dd>The operator's token, for <code>/admin</code> only.</dd>
</dl>
</section>`;
}
