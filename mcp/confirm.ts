// Tools that destroy are two calls on every client: the first is answered with what would be lost and a token, the
// second, with `confirm: true` and that token, does it. Where the host can ask a person, the person is asked instead.

import {
  type Call,
  type CallOptions,
  type Json,
  type Operation,
  parseInput,
  RotorError,
} from "@rotorsh/contract";
import { z } from "zod";
import type { Consent, Consents } from "./consents.ts";
import type { Person } from "./person.ts";
import { formats } from "./shown.ts";
import type { Tool } from "./tools.ts";

const confirm = z
  .boolean()
  .optional()
  .describe("True to really do it, together with confirm_token. Without it nothing changes.");
const confirmToken = z.string().max(512).optional().describe("From the preview that was answered first.");
const responseFormat = z
  .enum(formats)
  .optional()
  .describe("Default concise: long values cut, empty ones left out.");

export function needsConfirmation({ impact }: Pick<Operation, "impact">): boolean {
  return impact === "destroy";
}

/** An operation's input as its tool shows it: a preview is asked for by not confirming, not by `dry_run`. */
export function toolInputOf(operation: Operation): z.ZodObject {
  const { shape } = operation.input;
  if (operation.impact === "read") return z.strictObject({ ...shape, response_format: responseFormat });
  if (!needsConfirmation(operation)) return operation.input;
  const { dry_run: _, confirm_token: __, ...rest } = shape;
  return z.strictObject({ ...rest, confirm, confirm_token: confirmToken });
}

export type Confirming = {
  tool: Tool;
  sent: Json;
  call: Call;
  options: CallOptions;
  consents: Consents;
  person: Person;
};

/**
 * Performs what was confirmed, by a token or by a person. Else asks the person where one can be asked, or throws
 * CONFIRMATION_REQUIRED with the preview and its token; nothing has changed then.
 */
export async function performConfirmed(confirming: Confirming): Promise<Json> {
  const { tool, sent, person } = confirming;
  parseInput(tool.takes, sent);
  const { confirm: confirmed, confirm_token: sentToken, ...args } = sent;
  if (confirmed === true && typeof sentToken === "string") return perform(confirming, args, sentToken);
  const reply = person.reply();
  if (reply === "declined") throw new RotorError("DECLINED");
  if (reply && reply !== "dismissed" && person.state && agreesTo(tool, args, reply.content)) {
    return perform(confirming, args, person.state);
  }
  const { preview, token } = await look(confirming, args);
  // Whoever dismissed the question is no person, or is away: the token is for them.
  if (person.canBeAsked && reply !== "dismissed") throw person.ask(questionOf(tool, args, preview), token);
  throw new RotorError("CONFIRMATION_REQUIRED", { preview, confirm_token: token });
}

const checksTokens = ({ input }: Operation) => "confirm_token" in input.shape;

async function perform(confirming: Confirming, args: Json, token: string): Promise<Json> {
  const { tool, call, options, consents } = confirming;
  // What looks at its own token does so in the transaction that destroys.
  if (checksTokens(tool.operation)) return call(tool.operation, { ...args, confirm_token: token }, options);
  const { consent } = await look(confirming, args);
  if (!consents.accepts(token, consent)) throw new RotorError("CONFIRMATION_STALE");
  return call(tool.operation, args, options);
}

type Look = { preview: Json; consent: Consent; token: string };

async function look({ tool, call, options, consents }: Confirming, args: Json): Promise<Look> {
  const previews = "dry_run" in tool.operation.input.shape;
  const { confirm_token: own, ...preview } = previews
    ? await call(tool.operation, { ...args, dry_run: true }, options)
    : ({} as Json);
  const consent = { operation: tool.key, args, count: countOf(preview) };
  return { preview, consent, token: typeof own === "string" ? own : consents.issue(consent) };
}

/** How many things a preview speaks of. */
function countOf({ counts, deleted, ...preview }: Json): number {
  const numbers = Object.values((counts as Json) ?? (deleted === undefined ? {} : preview));
  return numbers.reduce<number>((sum, value) => (Number.isInteger(value) ? sum + Number(value) : sum), 0);
}

/** What has a name is confirmed by typing it back; an id nobody can type is confirmed by a tick. */
function typedName(args: Json): string | undefined {
  return typeof args.name === "string" && args.id === undefined ? args.name : undefined;
}

function agreesTo(_: Tool, args: Json, content: Json): boolean {
  const name = typedName(args);
  return name === undefined ? content.confirm === true : content.name === name;
}

function questionOf({ listed }: Tool, args: Json, preview: Json) {
  const name = typedName(args);
  const message = `${listed.title}: ${JSON.stringify(args)}. This cannot be undone. It is about: ${JSON.stringify(preview)}`;
  const field =
    name === undefined
      ? { confirm: { type: "boolean" as const, title: "Do it", default: false } }
      : { name: { type: "string" as const, title: `Type ${name} to do it` } };
  return { message: message.slice(0, 2000), properties: field };
}
