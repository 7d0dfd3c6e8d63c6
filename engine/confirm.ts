// Previews, and the tokens that say a preview was seen.

import { RotorError } from "@rotorsh/contract";
import type { Context } from "./handler.ts";

export type Seen = { counts: Record<string, number>; sample: string[] };

type Bulk = { dry_run: boolean; confirm_token?: string | undefined };

/** The preview of a call: what it is about, and the token to do exactly that. */
export function previewOf(operation: string, input: Bulk, seen: Seen, count: number, context: Context) {
  const token = context.services.confirmations.issue(
    consentTo(operation, input, count, context),
    context.now,
  );
  return { ...seen, confirm_token: token };
}

/** Throws CONFIRMATION_STALE when a token was sent and this is not the call, or not the amount, it was made for. */
export function checkConfirmation(operation: string, input: Bulk, count: number, context: Context): void {
  if (input.confirm_token === undefined) return;
  const consent = consentTo(operation, input, count, context);
  if (context.services.confirmations.accepts(input.confirm_token, consent, context.now)) return;
  throw new RotorError("CONFIRMATION_STALE");
}

function consentTo(operation: string, input: Bulk, count: number, { caller }: Context) {
  const { dry_run: _, confirm_token: __, ...args } = input;
  return {
    principal: `${caller.actorId}|${caller.workspace?.id ?? ""}`,
    operation,
    args: sorted(args),
    count,
  };
}

/** The same arguments are the same call, in whatever order they were written. */
function sorted(args: object): [string, unknown][] {
  return Object.entries(args)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
