// The person at the other end, as far as the host lets them be asked. A question is an answer of its own kind: the
// client shows it, and makes the same call again with what the person said.

import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Json } from "@rotorsh/contract";

type Field = { title: string; description?: string } & (
  | { type: "boolean"; default?: boolean }
  | { type: "string"; enum?: string[]; maxLength?: number }
);
export type Question = { message: string; properties: Record<string, Field>; required?: string[] };

/** Thrown where a person has to be asked before anything is done. */
export class Asking {
  readonly result: InputRequiredResult;
  constructor(result: InputRequiredResult) {
    this.result = result;
  }
}

export type Person = {
  /** True when the host can show a form. */
  canBeAsked: boolean;
  /** What the person said to the question asked before. */
  reply(): { content: Json } | "declined" | "dismissed" | undefined;
  /** What the question was asked with. */
  state: string | undefined;
  /** To be thrown. */
  ask(question: Question, state?: string): Asking;
};

const key = "decision";

export function personOf({ mcpReq }: ServerContext, capabilities: ClientCapabilities | undefined): Person {
  const { elicitation } = capabilities ?? {};
  const state = mcpReq.requestState<unknown>();
  return {
    // Hosts of 2025 declare forms by declaring nothing.
    canBeAsked:
      elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined),
    state: typeof state === "string" ? state : undefined,
    reply() {
      const view = inputResponse(mcpReq.inputResponses, key);
      if (view.kind !== "elicit") return undefined;
      if (view.action === "accept") return { content: (view.content ?? {}) as Json };
      return view.action === "decline" ? "declined" : "dismissed";
    },
    ask: (question, asked) => new Asking(askFor(question, asked)),
  };
}

export function capabilitiesOf({ mcpReq }: ServerContext): ClientCapabilities | undefined {
  const envelope = mcpReq.envelope as Record<string, unknown> | undefined;
  return envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
}

function askFor(question: Question, state: string | undefined): InputRequiredResult {
  return inputRequired({
    inputRequests: { [key]: elicitationOf(question) },
    ...(state !== undefined && { requestState: state }),
  });
}

/** The request that shows a form to a person. */
export function elicitationOf({ message, properties, required = Object.keys(properties) }: Question) {
  return inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: properties as never, required },
  });
}
