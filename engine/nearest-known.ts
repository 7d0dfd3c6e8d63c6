// Adds to `…_NOT_FOUND` the name that was probably meant. Only for things that people name: ids are copied, not typed.

import { nearest, type RotorError } from "@rotorsh/contract";
import type { Caller } from "./caller.ts";
import type { Database } from "./store/database.ts";
import { listNames, type Named } from "./store/known-names.ts";

const named = new Map<string, { kind: Named; field: string }>([
  ["QUEUE_NOT_FOUND", { kind: "QUEUE", field: "name" }],
  ["WORKFLOW_NOT_FOUND", { kind: "WORKFLOW", field: "id" }],
]);

export async function addNearest(error: RotorError, caller: Caller, db: Database): Promise<void> {
  const known = named.get(error.code);
  // A queue key sees no other queue, not even its name.
  if (!known || !caller.workspace || caller.tier === "queue") return;
  const asked = error.details[known.field];
  if (typeof asked !== "string") return;
  const close = nearest(asked, await listNames(db, caller.workspace.id, known.kind));
  if (close !== undefined) error.details.nearest = close;
}
