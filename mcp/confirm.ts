// Tools that destroy are two calls on every client: the first answers with what would be lost, the second,
// with `confirm: true`, does it. What counts as a confirmation is decided in this file alone.

import {
  type Call,
  type CallOptions,
  type Json,
  type Operation,
  parseInput,
  RotorError,
} from "@rotorsh/contract";
import { z } from "zod";

const confirm = z
  .boolean()
  .optional()
  .describe("True to really do it. Without it nothing changes and the answer is a preview.");

export function needsConfirmation({ impact }: Pick<Operation, "impact">): boolean {
  return impact === "destroy";
}

/** An operation's input as its tool shows it: a preview is asked for by not confirming, not by `dry_run`. */
export function toolInputOf(operation: Operation): z.ZodObject {
  if (!needsConfirmation(operation)) return operation.input;
  const { dry_run: _, ...shape } = operation.input.shape;
  return z.strictObject({ ...shape, confirm });
}

/** Performs if confirmed, else throws CONFIRMATION_REQUIRED with the preview; nothing has changed then. */
export async function performConfirmed(
  call: Call,
  operation: Operation,
  sent: Json,
  options: CallOptions,
): Promise<Json> {
  parseInput(toolInputOf(operation), sent);
  const { confirm: confirmed, ...input } = sent;
  if (confirmed === true) return call(operation, input, options);
  throw new RotorError("CONFIRMATION_REQUIRED", { preview: await preview(call, operation, input, options) });
}

async function preview(call: Call, operation: Operation, input: Json, options: CallOptions): Promise<Json> {
  if (!("dry_run" in operation.input.shape)) return {};
  return call(operation, { ...input, dry_run: true }, options);
}

const longestCall = 2000;

/** The call that confirms, ready to be made. */
export function confirmingCall(tool: string, sent: Json): string {
  const call = JSON.stringify({ ...sent, confirm: true });
  return call.length > longestCall
    ? `call ${tool} with the same arguments and confirm: true`
    : `call ${tool} with ${call}`;
}
