// The hot path of workflows: finished steps, from the app to the database. The lease is the credential: only who
// was asked to drive the run knows it, and it is worth nothing for anything else.

import { invalidInput, type Memo, RotorError, readCheckpoint, type StepRecord } from "@rotorsh/contract";
import { oversized } from "./core/drive-end.ts";
import type { Services } from "./handler.ts";
import { isUnavailable } from "./store/database.ts";

export async function takeCheckpoint(
  { workflows }: Services,
  body: unknown,
): Promise<{ recorded: Record<string, Memo> }> {
  const request = readCheckpoint(body);
  if ("problem" in request) throw invalidInput([{ path: "steps", problem: request.problem }]);
  checkSize(request.steps);
  const kept = await workflows.checkpoint(request).catch((error: unknown) => {
    throw isUnavailable(error) ? new RotorError("UNAVAILABLE", {}, { cause: error }) : error;
  });
  if (kept.kind === "too large") throw new RotorError("STEP_TOO_LARGE", { problem: kept.problem });
  if (kept.kind === "lease lost") throw new RotorError("LEASE_LOST");
  return { recorded: kept.recorded };
}

/** What is refused here comes with the answer of the drive, and ends the run with an error that names the step. */
function checkSize(steps: readonly StepRecord[]): void {
  const problem = oversized({ state: "yielded", steps: [...steps], asked: [] });
  if (problem) throw new RotorError("STEP_TOO_LARGE", { problem: problem.message });
}
