// From an answer or an error to the result of a tool call. Hosts show a model the structured content of a
// success and only the text of an error, so both say everything there.

import type { CallToolResult } from "@modelcontextprotocol/server";
import {
  type Json,
  missingField,
  nextSteps,
  type Problem,
  pathParameters,
  type RotorError,
  routeOf,
  unknownField,
} from "@rotorsh/contract";
import { type Format, type Shown, show } from "./shown.ts";
import { answerOf, type Tool } from "./tools.ts";

/** The tool for an operation (`noun.verb`), if this caller may be told to use it next. */
export type Usable = (key: string) => Tool | undefined;

type Success = {
  tool: Tool;
  sent: Json;
  body: Json;
  usable: Usable;
};

const mostActions = 3;

export function toResult({ tool, sent, body, usable }: Success): CallToolResult {
  const { response_format: asked, ...input } = sent;
  const isRead = tool.operation.impact === "read";
  const format: Format = isRead && asked !== "detailed" ? "concise" : "detailed";
  const shown = show(tool.answers, body, format);
  const actions = actionsAfter({ tool, sent: input, body, usable });
  const structuredContent = {
    ...answerOf(tool, shown.body),
    ...(shown.untrusted.length > 0 && { untrusted_data: shown.untrusted }),
    ...(shown.cut.length > 0 && {
      truncated: { fields: shown.cut, rest: restOf(tool, input, shown, format) },
    }),
    ...(actions.length > 0 && { next_actions: actions }),
  };
  return { structuredContent, content: [{ type: "text", text: JSON.stringify(structuredContent) }] };
}

function actionsAfter({ tool, sent, body, usable }: Success) {
  const actions = nextSteps(tool.key, sent, body).flatMap(({ operation, input, why }) => {
    const next = usable(operation);
    // A tool takes no dry_run: not confirming is the preview.
    const { dry_run: _, ...args } = input;
    const known = next?.listed.inputSchema.properties ?? {};
    return next ? [{ tool: next.name, arguments: "dry_run" in known ? input : args, why }] : [];
  });
  return actions.slice(0, mostActions);
}

function restOf({ name, operation }: Tool, input: Json, { body }: Shown, format: Format): string {
  if (operation.impact === "read" && format === "concise")
    return `Call ${name} with ${JSON.stringify({ ...input, response_format: "detailed" })}.`;
  const { method, path } = routeOf(operation);
  if (method !== "GET") {
    const { run_id: run } = body;
    return typeof run === "string"
      ? `GET /v1/runs/${run} over REST, or the CLI, shows all of it.`
      : "Get the thing itself; this answer is not kept.";
  }
  const filled = pathParameters(operation).reduce(
    (text, field) => text.replace(`{${field}}`, encodeURIComponent(String(input[field]))),
    path,
  );
  return `GET ${filled} over REST, or the CLI, shows all of it.`;
}

export type Failure = {
  tool: Tool;
  sent: Json;
  error: RotorError;
  requestId: string;
  /** Every tool of this server, and those among them that are offered here. */
  all: readonly Tool[];
  offered: readonly Tool[];
};

/** The error's body on the first line, as REST would answer it, and below it what to do next. */
export function toErrorResult(failure: Failure): CallToolResult {
  const { error, requestId } = failure;
  const lines = [JSON.stringify(error.toBody(error.requestId ?? requestId)), lessonOf(failure)];
  return { isError: true, content: [{ type: "text", text: lines.filter(Boolean).join("\n") }] };
}

function lessonOf(failure: Failure): string {
  const { tool, sent, error } = failure;
  const { code, details } = error;
  if (code === "INVALID_INPUT") return fieldsLesson(tool, sent, details.problems as Problem[] | undefined);
  if (code === "CONFIRMATION_REQUIRED")
    return `Nothing was changed. To go ahead within 5 minutes, ${callWith(tool, sent, { confirm: true, confirm_token: details.confirm_token })}.`;
  if (code === "CONFIRMATION_STALE")
    return `Nothing was changed. Call ${tool.name} without confirm and confirm_token for a new preview.`;
  if (code.endsWith("_NOT_FOUND"))
    return [nearestLesson(failure), listLesson(failure)].filter(Boolean).join(" ");
  if (typeof details.retry_after_seconds === "number")
    return `Wait ${details.retry_after_seconds} seconds, then make the same call again.`;
  return error.retryable ? "The same call may succeed in a few seconds." : "";
}

const longestCall = 2000;

/** The call that comes next, ready to be made; a long one is told by what is different. */
function callWith({ name }: Tool, sent: Json, changed: Json): string {
  const call = JSON.stringify({ ...sent, ...changed });
  if (call.length <= longestCall) return `call ${name} with ${call}`;
  const fields = Object.entries(changed).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  return `call ${name} with the same arguments and ${fields.join(", ")}`;
}

function fieldsLesson(tool: Tool, sent: Json, problems: Problem[] = []): string {
  const { name, listed } = tool;
  const { properties = {}, required = [] } = listed.inputSchema;
  const fields = Object.keys(properties).map((key) => (required.includes(key) ? `${key} (required)` : key));
  const others = problems.slice(1).map(({ path, problem, nearest }) => {
    const ending = nearest ? `; did you mean ${nearest}?` : ".";
    return `Also: ${path} ${problem}${ending}`;
  });
  const known = fields.length > 0 ? `Fields of ${name}: ${fields.join(", ")}.` : `${name} takes no fields.`;
  return [...others, mendedLesson(tool, sent, problems), known].filter(Boolean).join(" ");
}

/** The call that was probably meant, where each problem has a nearest field or value. */
function mendedLesson(tool: Tool, sent: Json, problems: readonly Problem[]): string {
  const mended = { ...sent };
  const changed: Json = {};
  const missing = problems.filter(({ problem }) => problem === missingField);
  for (const { path, problem, nearest } of problems) {
    if (problem === missingField) continue;
    if (nearest === undefined || !Object.hasOwn(sent, path)) return "";
    const isField = problem === unknownField;
    // Two names for one thing: which value was meant, only the sender knows.
    if (isField && Object.hasOwn(mended, nearest)) return "";
    if (isField) delete mended[path];
    changed[isField ? nearest : path] = isField ? sent[path] : nearest;
  }
  // What is missing was sent under a name that nearly fits, or only the sender knows it.
  if (problems.length === 0 || missing.some(({ path }) => !Object.hasOwn(changed, path))) return "";
  return `Probably meant: ${callWith(tool, mended, changed)}.`;
}

/** The same call with the name that was probably meant. */
function nearestLesson({ tool, sent, error: { details } }: Failure): string {
  const { nearest, ...asked } = details;
  const field = Object.keys(asked).find((key) => key in sent && sent[key] === asked[key]);
  if (typeof nearest !== "string" || field === undefined) return "";
  return `Did you mean ${nearest}? Then ${callWith(tool, sent, { [field]: nearest })}.`;
}

/** `QUEUE_NOT_FOUND` → the tool that lists queues, if this server has one, with what it needs to know. */
function listLesson({ sent, error, all, offered }: Failure): string {
  const things = `${error.code.replace(/_NOT_FOUND$/, "").toLowerCase()}s`;
  const lister = all.find(({ name, listName }) => listName === things || name.endsWith(`list_${things}`));
  if (!lister) return "";
  if (!offered.some(({ name }) => name === lister.name))
    return lister.toolset ? `${lister.name} would list them; it is offered at /mcp/x/${lister.toolset}.` : "";
  const needed = (lister.listed.inputSchema.required ?? []).map((field) => [field, sent[field]] as const);
  const isKnown = needed.length > 0 && needed.every(([, value]) => typeof value === "string");
  const args = isKnown ? ` with ${JSON.stringify(Object.fromEntries(needed))}` : "";
  return `Call ${lister.name}${args} to see the ${things.replaceAll("_", " ")} there are.`;
}
