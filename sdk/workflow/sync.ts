// Tells the server which workflows an app serves, and where.

import { createHash } from "node:crypto";
import { type Contract, type HookName, type InputOf, isRotorError } from "@rotorsh/contract";
import { Rotor } from "../rotor.ts";
import { defaultRetries } from "./drive.ts";
import type { WorkflowFunction } from "./types.ts";

export type SyncOptions = {
  functions: readonly WorkflowFunction[];
  /** Where the server reaches the app, with the path. */
  serveUrl: string;
  /** Default: a client made from the environment. */
  rotor?: Rotor | undefined;
  /** How long a server that cannot be reached is asked again; default 60,000. */
  patienceMs?: number | undefined;
};

export type Synced = { id: string; created: boolean; version: string };

const hookNames: readonly HookName[] = ["onSuccess", "onFailure", "onCancel"];
const pauseMs = 1000;

/** Registers each function, or changes its registration. One that is served no more is not archived. */
export async function syncWorkflows({
  functions,
  serveUrl,
  rotor = new Rotor(),
  patienceMs = 60_000,
}: SyncOptions): Promise<Synced[]> {
  const until = performance.now() + patienceMs;
  const synced: Synced[] = [];
  for (const fn of functions) {
    const { id, created, version } = await patiently(
      () => rotor.functions.register(toRegistration(fn, serveUrl)),
      until,
    );
    synced.push({ id, created, version });
  }
  return synced;
}

type Registration = InputOf<Contract["functions"]["register"]>;

export function toRegistration({ options, handler }: WorkflowFunction, serveUrl: string): Registration {
  const { id, name, trigger, retries = defaultRetries } = options;
  return {
    id,
    serve_url: serveUrl,
    retries,
    hooks: hookNames.filter((hook) => options[hook]),
    // As much of the code as can be seen from here: the function itself, not what it calls.
    content_hash: createHash("sha256").update(String(handler)).digest("hex").slice(0, 16),
    ...(name !== undefined && { name }),
    ...("event" in trigger
      ? {
          trigger_event: trigger.event,
          ...(trigger.filter !== undefined && { trigger_filter: trigger.filter }),
        }
      : { trigger_cron: trigger.cron, trigger_timezone: trigger.timezone }),
  };
}

/** App and server are often started together. */
async function patiently<T>(call: () => Promise<T>, until: number): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isRotorError(error) || !error.retryable || performance.now() + pauseMs > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
