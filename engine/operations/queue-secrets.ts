// What of a queue is secret: its signing secrets, and the values of its extra headers, which often are somebody's
// credentials. Both lie sealed, and neither is ever shown again.

import { invalidInput } from "@rotorsh/contract";
import { type QueueSettings, secretAction, secretOverlapMs } from "../core/queue-settings.ts";
import { type Context, workspaceOf } from "../handler.ts";
import { randomText } from "../ids.ts";
import {
  headerPurpose,
  maskedHeader,
  type QueueRow,
  type QueueSecrets,
  secretPurpose,
} from "../store/queues.ts";

export type SecretWish = {
  name: string;
  rotate_callback_secret?: boolean | undefined;
  force?: boolean | undefined;
};

export type SecretChange = {
  /** What the answer shows this once. */
  secret: { callback_secret?: string };
  columns: QueueSecrets;
  /** When a previous secret still signs, a second rotation has to be meant. */
  stillValidUntil?: Date;
};

export function changeSecret(
  current: QueueRow | undefined,
  settings: QueueSettings,
  wish: SecretWish,
  context: Context,
): SecretChange {
  const kept = {
    secret: current?.secret ?? null,
    previousSecret: current?.previousSecret ?? null,
    previousSecretUntil: current?.previousSecretUntil ?? null,
  };
  const none = { previousSecret: null, previousSecretUntil: null };
  switch (secretAction(kept.secret !== null, settings, wish.rotate_callback_secret ?? false)) {
    case "keep":
      return { secret: {}, columns: kept };
    case "drop":
      return { secret: {}, columns: { secret: null, ...none } };
    case "mint": {
      const { text, sealed } = mintSecret(wish.name, context);
      return { secret: { callback_secret: text }, columns: { secret: sealed, ...none } };
    }
    case "rotate": {
      const until = kept.previousSecretUntil;
      if (!wish.force && until && until > context.now)
        return { secret: {}, columns: kept, stillValidUntil: until };
      const { text, sealed } = mintSecret(wish.name, context);
      const overlap = new Date(context.now.getTime() + secretOverlapMs);
      return {
        secret: { callback_secret: text },
        columns: { secret: sealed, previousSecret: kept.secret, previousSecretUntil: overlap },
      };
    }
  }
}

function mintSecret(name: string, context: Context) {
  const text = `whsec_${randomText(43)}`;
  return { text, sealed: context.services.vault.seal(workspaceOf(context), secretPurpose(name), text) };
}

/**
 * The headers as they are stored. A value that was read back masked, or is the same as before, keeps what is there:
 * so what a GET shows can be sent again, and a repetition changes nothing.
 */
export function sealHeaders(
  name: string,
  sent: Record<string, string>,
  current: Record<string, string>,
  context: Context,
): Record<string, string> {
  const { vault } = context.services;
  const owner = workspaceOf(context);
  const entries = Object.entries(sent).map(([header, value]): [string, string] => {
    const purpose = headerPurpose(name, header);
    const stored = Object.hasOwn(current, header) ? current[header] : undefined;
    if (stored !== undefined && (value === maskedHeader || vault.open(owner, purpose, stored) === value)) {
      return [header, stored];
    }
    if (value === maskedHeader) {
      throw invalidInput([{ path: `callback_headers.${header}`, problem: "has no value to keep; send one" }]);
    }
    return [header, vault.seal(owner, purpose, value)];
  });
  return Object.fromEntries(entries);
}
