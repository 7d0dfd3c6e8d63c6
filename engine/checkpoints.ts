// The hot path of workflows: finished steps, from the app to the database. The lease is the credential: only who
// was asked to drive the run knows it, and it is worth nothing for anything else.

import { invalidInput, type Memo, RotorError, readCheckpoint, type StepRecord } from "@rotorsh/contract";
import type { Services } from "./handler.ts";
import { isUnavailable } from "./store/database.ts";

export async function takeCheckpoint(
  { workflows }: Services,
  body: unknown,
): Promise<{ recorded: Record<string, Memo> }> {
  const request = readCheckpoint(body);
  if ("problem" in request) throw invalidInput([{ path: "steps", problem: request.problem }]);
  request.steps.forEach(checkSize);
  const kept = await workflows.checkpoint(request).catch((error: unknown) => {
    throw isUnavailable(error) ? new RotorError("UNAVAILABLE", {}, { cause: error }) : error;
  });
  if (kept.kind === "lease lost") throw new RotorError("LEASE_LOST");
  return { recorded: kept.recorded };
}

const largestStep = 4 * 1024 * 1024;

function checkSize({ outcome }: StepRecord): void {
  const value = "error" in outcome ? outcome.error : outcome.ok;
  // Small ones, which are nearly all, are not worth measuring exactly.
  const length = JSON.stringify(value ?? null).length;
  if (length > largestStep) throw new RotorError("PAYLOAD_TOO_LARGE", { limit: "4 MB" });
}
