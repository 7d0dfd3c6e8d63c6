import type { Contract } from "@rotorsh/contract";
import { type Context, type Handlers, workspaceOf } from "../handler.ts";
import { openSigningKey, rotateSigningKey, signingKeyOf } from "../signing-keys.ts";
import type { SigningKeyRow } from "../store/signing-keys.ts";

export const signingKey: Handlers<Contract>["signingKey"] = {
  async get(_input, context) {
    return toAnswer(await signingKeyOf(context.db, context.services.vault, workspaceOf(context)), context);
  },

  async rotate(_input, context) {
    const { vault } = context.services;
    await signingKeyOf(context.db, vault, workspaceOf(context));
    const rotated = await rotateSigningKey(context.db, vault, workspaceOf(context));
    context.record({ resource: "signing-key", after: { rotated_at: context.now.toISOString() } });
    return toAnswer(rotated, context);
  },
};

function toAnswer({ sealed, previous_until: until, created_at }: SigningKeyRow, context: Context) {
  const isOver = until === null || new Date(until) <= context.now;
  return {
    key: openSigningKey(context.services.vault, workspaceOf(context), sealed),
    created_at: new Date(created_at).toISOString(),
    previous_valid_until: isOver ? null : new Date(until).toISOString(),
  };
}
