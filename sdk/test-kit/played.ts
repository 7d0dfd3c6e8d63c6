// What a test gives in place of what a step or a child would do.

import type { Memo } from "@rotorsh/contract";
import { failed } from "./waits.ts";

export function play(played: unknown): unknown {
  if (played instanceof Error) throw played;
  return typeof played === "function" ? (played as () => unknown)() : played;
}

export function playedChild(played: unknown): Memo {
  try {
    return { ok: { result: stored(play(played)), runId: "run_test_played" } };
  } catch (error) {
    return failed("WorkflowFailedError", String((error as Error).message), { runId: "run_test_played" });
  }
}

/** As it arrives after it went over the wire. */
export function stored(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data ?? null));
}
