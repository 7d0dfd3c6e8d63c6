// The part of the page about one operation.

import {
  type NamedOperation,
  type Operation,
  type Permission,
  pathParameters,
  roles,
  routeOf,
  statusOf,
} from "@rotorsh/contract";
import { permissionsOf } from "@rotorsh/engine";
import { html } from "hono/html";
import { errorLink, errorRows } from "./docs-errors.ts";
import { type Field, fieldsOf } from "./docs-fields.ts";
import { type Sample, samplesOf } from "./docs-samples.ts";
import { breakable, codeBlock, type Html, prose } from "./docs-text.ts";
import { jsonSchema } from "./json-schema.ts";
import { errorsOf } from "./operation-errors.ts";

export function operationSection(named: NamedOperation): Html {
  const { operation } = named;
  const { path } = routeOf(operation);
  const id = anchorOf(named);
  return html`<section class="operation" id="${id}">
<div class="lead">
<div class="words">
<h3><a class="anchor" href="#${id}">${operation.summary.replace(/\.$/, "")}</a></h3>
<p class="route">${methodBadge(operation)} <code>${pathParts(path)}</code></p>
${operation.description ? html`<p>${prose(operation.description)}</p>` : ""}
${facts(operation)}
</div>
${sampleTabs(id, samplesOf(named))}
</div>
${parameterTable(operation)}
${answerTable(operation)}
${errorTableOf(operation)}
</section>`;
}

export function anchorOf({ noun, verb }: NamedOperation): string {
  return `${noun}.${verb}`;
}

export function methodBadge(operation: Operation): Html {
  const { method } = routeOf(operation);
  return html`<span class="method ${method.toLowerCase()}">${method}</span>`;
}

/** A long path may break before a slash. */
function pathParts(path: string): Html[] {
  return path
    .split("/")
    .filter(Boolean)
    .map((part) => html`<wbr>/${part}`);
}

export function rolesWith(permission: Permission): string[] {
  return roles.filter((role) => permissionsOf({ role, capabilities: [] }).has(permission));
}

function facts(operation: Operation): Html {
  return html`<dl class="facts">
<dt>Who may call it</dt><dd>${whoMayCall(operation)}</dd>
<dt>Effect</dt><dd>${effectOf(operation)}</dd>
${operation.audit ? html`<dt>Audited as</dt><dd><code>${operation.audit}</code></dd>` : ""}
</dl>`;
}

function whoMayCall({ needs, queueKeys }: Operation): Html {
  if (needs === "operate") return html`The operator, with <code>ADMIN_TOKEN</code>.`;
  const names = rolesWith(needs).map((role, index) => html`${index > 0 ? ", " : ""}${role}`);
  const approver = needs === "approve" ? ", anyone with the capability approver" : "";
  const queue = queueKeys ? "; also the key of a queue, for that queue" : "";
  return html`${names}${approver}${queue} <span class="aside">(permission <code>${needs}</code>)</span>`;
}

function effectOf({ impact, idempotent }: Operation): string {
  if (impact === "read") return "Reads; changes nothing.";
  const again = idempotent ? "A repeated call changes nothing more." : "Each call counts.";
  return impact === "destroy" ? `Deletes for good. ${again}` : `Changes something. ${again}`;
}

function sampleTabs(id: string, samples: Sample[]): Html {
  const tabs = samples.map(
    ({ label }, index) =>
      html`<input type="radio" name="sample-${id}" id="${id}-${label}" ${index === 0 ? "checked" : ""}><label for="${id}-${label}">${label}</label>`,
  );
  const panels = samples.map(
    ({ text, note }) =>
      html`<div>${text ? codeBlock(text) : ""}${note ? html`<p>${prose(note)}</p>` : ""}</div>`,
  );
  return html`<div class="samples" role="group" aria-label="Samples">${tabs}${panels}</div>`;
}

function parameterTable(operation: Operation): Html {
  const fields = fieldsOf(jsonSchema(operation.input, "input"));
  if (fields.length === 0) return html`<p class="none">It takes no parameters.</p>`;
  const inPath = pathParameters(operation);
  const rows = fields.map(
    (field) => html`<tr>
<th scope="row"><code>${breakable(field.path)}</code></th>
<td class="type">${field.type}${boundsNote(field)}</td>
<td class="need">${field.required ? html`<strong>required</strong>` : "optional"}</td>
<td class="default">${field.default === undefined ? "" : html`<code>${field.default}</code>`}</td>
<td>${prose(field.description)}${inPath.includes(field.path) ? html` <span class="aside">In the path.</span>` : ""}</td>
</tr>`,
  );
  return html`<h4>Parameters ${fields.length > inPath.length ? restPlace(operation) : ""}</h4>
<table class="fields parameters">
<thead><tr><th>Name</th><th>Type</th><th>Required</th><th>Default</th><th>Description</th></tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

/** Where REST looks for what is not in the path; the other ways to call know no such places. */
function restPlace(operation: Operation): Html {
  const { method } = routeOf(operation);
  const place = method === "GET" || method === "DELETE" ? "query" : "body";
  return html`<span class="aside">over HTTP in the ${place}</span>`;
}

function boundsNote({ bounds }: Field): Html | "" {
  return bounds ? html`<span class="bounds">${bounds}</span>` : "";
}

function answerTable(operation: Operation): Html {
  const fields = fieldsOf(jsonSchema(operation.output, "output"));
  const rows = fields.map(
    (field) => html`<tr>
<th scope="row"><code>${breakable(field.path)}</code></th>
<td class="type">${field.type}${field.required ? "" : ", not always"}</td>
<td>${prose(field.description)}</td>
</tr>`,
  );
  const csv = operation.csv
    ? html`<p>With <code>?format=csv</code> every row of the list comes as CSV.</p>`
    : "";
  return html`<details>
<summary>Answer <code>${statusOf(operation, {})}</code><span class="aside">${fields.length === 1 ? "1 field" : `${fields.length} fields`}</span></summary>
${csv}
<table class="fields answer">
<thead><tr><th>Field</th><th>Type</th><th>Description</th></tr></thead>
<tbody>${rows}</tbody>
</table>
</details>`;
}

function errorTableOf(operation: Operation): Html {
  const codes = errorsOf(operation);
  const own = codes.filter((code) => operation.errors.includes(code));
  const others = codes.filter((code) => !operation.errors.includes(code));
  const links = others.map((code, index) => html`${index > 0 ? ", " : ""}${errorLink(code)}`);
  return html`<details>
<summary>Errors<span class="aside">${own.length > 0 ? own.join(", ") : "none of its own"}</span></summary>
${own.length > 0 ? errorRows(own) : ""}
<p>${own.length > 0 ? "As with any such call, also" : "As with any such call:"} ${links}.</p>
</details>`;
}
