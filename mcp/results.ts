// From an answer or an error to the result of a tool call. Hosts show a model the structured content of a
// success and only the text of an error, so both say everything there.

import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Json, Problem, RotorError } from "@rotorsh/contract";
import { confirmingCall } from "./confirm.ts";
import { answerOf, type Tool } from "./tools.ts";

export function toResult(tool: Tool, body: Json): CallToolResult {
  const structuredContent = answerOf(tool, body);
  return { structuredContent, content: [{ type: "text", text: JSON.stringify(structuredContent) }] };
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
  if (code === "INVALID_INPUT") return fieldsLesson(tool, details.problems as Problem[] | undefined);
  if (code === "CONFIRMATION_REQUIRED")
    return `Nothing was changed. To go ahead, ${confirmingCall(tool.name, sent)}.`;
  if (code.endsWith("_NOT_FOUND")) return listLesson(failure);
  if (typeof details.retry_after_seconds === "number")
    return `Wait ${details.retry_after_seconds} seconds, then make the same call again.`;
  return error.retryable ? "The same call may succeed in a few seconds." : "";
}

function fieldsLesson({ name, listed }: Tool, problems: Problem[] = []): string {
  const { properties = {}, required = [] } = listed.inputSchema;
  const fields = Object.keys(properties).map((key) => (required.includes(key) ? `${key} (required)` : key));
  const others = problems.slice(1).map(({ path, problem, nearest }) => {
    const ending = nearest ? `; did you mean ${nearest}?` : ".";
    return `Also: ${path} ${problem}${ending}`;
  });
  const known = fields.length > 0 ? `Fields of ${name}: ${fields.join(", ")}.` : `${name} takes no fields.`;
  return [...others, known].join(" ");
}

/** `QUEUE_NOT_FOUND` → the tool that lists queues, if this server has one. */
function listLesson({ error, all, offered }: Failure): string {
  const things = `${error.code.replace(/_NOT_FOUND$/, "").toLowerCase()}s`;
  const lister = all.find(({ listName }) => listName === things);
  if (!lister) return "";
  if (offered.includes(lister))
    return `Call ${lister.name} to see the ${things.replaceAll("_", " ")} there are.`;
  return lister.toolset ? `${lister.name} would list them; it is offered at /mcp/x/${lister.toolset}.` : "";
}
