// One tool call: from what was sent to a result, a question for a person, or a task.

import {
  type CallToolRequest,
  type CallToolResult,
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { isRotorError, type Json, nearest, parseInput, RotorError } from "@rotorsh/contract";
import { needsConfirmation, performConfirmed } from "./confirm.ts";
import { decide } from "./decision.ts";
import { Asking, type Person } from "./person.ts";
import { toErrorResult, toResult, type Usable } from "./results.ts";
import type { Session } from "./server.ts";
import { startsTask, type TaskResult, toTaskInput, toTaskResult } from "./tasks.ts";
import type { Tool } from "./tools.ts";

export type Asked = {
  context: ServerContext;
  usable: Usable;
  person: Person;
  /** The client can come back for the result of a run. */
  asTask: boolean;
};

type Result = CallToolResult | InputRequiredResult | TaskResult;

export async function callTool(
  session: Session,
  params: CallToolRequest["params"],
  asked: Asked,
): Promise<Result> {
  const { all, offered, requestId, onError } = session;
  const tool = offered.find(({ name }) => name === params.name);
  if (!tool) throw unknownTool(params.name, session);
  const sent = params.arguments ?? {};
  const { signal } = asked.context.mcpReq;
  try {
    return await perform(session, tool, sent, asked);
  } catch (cause) {
    if (cause instanceof Asking) return cause.result;
    const error = isRotorError(cause) ? cause : new RotorError("INTERNAL", {}, { cause });
    if (error.status >= 500 && !signal.aborted) onError?.(reportOf(error), requestId);
    return toErrorResult({ tool, sent, error, requestId, all, offered });
  }
}

async function perform(session: Session, tool: Tool, sent: Json, asked: Asked): Promise<Result> {
  const { context, usable, person, asTask } = asked;
  const { operation } = tool;
  const { consents } = session;
  const { signal } = context.mcpReq;
  const call = session.callFor(context);
  // Refused before anybody is asked, or shown a preview.
  const isRefused = usable(tool.key) === undefined;
  if (needsConfirmation(operation) && !isRefused) {
    const body = await performConfirmed({ tool, sent, call, options: { signal }, consents, person });
    return toResult({ tool, sent, body, usable });
  }
  if (operation.human && !isRefused) {
    const { input, byPerson } = await decide({ tool, sent: checked(tool, sent), call, person, consents });
    // The audit log tells who decided: the key's holder, asked by the host, or whoever holds the key.
    const decider = byPerson ? session.callFor(context, "asked a person") : call;
    return toResult({ tool, sent, body: await decider(operation, input, { signal }), usable });
  }
  if (asTask && startsTask(operation)) {
    const body = await call(operation, toTaskInput(operation, sent), { signal });
    return (await toTaskResult(call, body)) ?? toResult({ tool, sent, body, usable });
  }
  const { response_format: _, ...input } = operation.impact === "read" ? checked(tool, sent) : sent;
  return toResult({ tool, sent, body: await call(operation, input, { signal }), usable });
}

/** What only the tool takes is checked with the tool's own schema. */
function checked({ takes }: Tool, sent: Json): Json {
  parseInput(takes, sent);
  return sent;
}

/** INTERNAL says nothing by itself; its cause does. */
function reportOf(error: RotorError): unknown {
  return error.code === "INTERNAL" ? (error.cause ?? error) : error;
}

/** The protocol has its own error for this; the sentence is what helps. */
function unknownTool(asked: string, { all, offered }: Session): ProtocolError {
  const elsewhere = all.find(({ name }) => name === asked);
  const names = offered.map(({ name }) => name);
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    elsewhere ? moved(elsewhere) : missing(asked, names),
  );
}

function moved({ name, toolset }: Tool): string {
  return `The tool ${name} is not offered at this address; /mcp/x/${toolset} has it.`;
}

function missing(asked: string, names: readonly string[]): string {
  const close = nearest(asked, names);
  const shown = asked.replaceAll(/[^\w.-]/g, "?").slice(0, 64);
  return `There is no tool ${shown}${close ? `; did you mean ${close}?` : `. Tools here: ${names.join(", ")}.`}`;
}
