// Values that a person may be about to type: names and ids of what there is.

import type { Call, Names } from "@rotorsh/contract";
import { operationOf } from "./operations.ts";

/** As many as the protocol allows in one answer. */
const most = 100;
const page = 200;
const mostPages = 5;

/** Those that begin with what was typed first, then those that contain it. */
export async function complete(call: Call, { operation, field }: Names, typed: string) {
  const known = await namesOf(call, operation, field);
  const text = typed.toLowerCase();
  const at = (name: string) => name.toLowerCase().indexOf(text);
  const fitting = known.filter((name) => at(name) >= 0).sort((a, b) => Math.sign(at(a)) - Math.sign(at(b)));
  return { values: fitting.slice(0, most), total: fitting.length, hasMore: fitting.length > most };
}

async function namesOf(call: Call, key: string, field: string): Promise<string[]> {
  const operation = operationOf(key);
  const found: string[] = [];
  let cursor: unknown;
  for (let pages = 0; pages < mostPages; pages++) {
    const answer = await call(operation, { limit: page, ...(typeof cursor === "string" && { cursor }) });
    const rows = (answer.data ?? []) as Record<string, unknown>[];
    found.push(...rows.map((row) => String(row[field])));
    cursor = answer.nextCursor;
    if (typeof cursor !== "string") break;
  }
  return found;
}
