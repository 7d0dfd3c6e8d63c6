// The hot path of workflows: finished steps, from the app to the database. The lease is the credential: only who
// was asked to drive the run knows it, and it is worth nothing for anything else.

import {
  type CheckpointAnswer,
  invalidInput,
  isRotorError,
  type Memo,
  RotorError,
  readCheckpoint,
  readMessage,
  type StepRecord,
} from "@rotorsh/contract";
import { oversized } from "./core/drive-end.ts";
import type { Services } from "./handler.ts";
import { isUnavailable } from "./store/database.ts";

/** Each checkpoint of a message by itself: what is wrong with one is its own affair. */
export async function takeCheckpoints(
  services: Services,
  body: unknown,
): Promise<{ answers: CheckpointAnswer[] }> {
  const message = readMessage(body);
  if ("problem" in message) throw invalidInput([{ path: "checkpoints", problem: message.problem }]);
  const answers = message.checkpoints.map((checkpoint) =>
    takeCheckpoint(services, checkpoint).then(
      ({ recorded }) => ({ status: 200 as const, recorded }),
      (cause: unknown) => refusal(services, cause),
    ),
  );
  return { answers: await Promise.all(answers) };
}

async function takeCheckpoint(
  { workflows }: Services,
  body: unknown,
): Promise<{ recorded: Record<string, Memo> }> {
  const checkpoint = readCheckpoint(body);
  if ("problem" in checkpoint) throw invalidInput([{ path: "steps", problem: checkpoint.problem }]);
  checkSize(checkpoint.steps);
  const kept = await workflows.checkpoint(checkpoint).catch((error: unknown) => {
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

function refusal({ log }: Services, cause: unknown): CheckpointAnswer {
  const error = isRotorError(cause) ? cause : new RotorError("INTERNAL", {}, { cause });
  if (error.code === "INTERNAL") log.error({ err: cause }, "a checkpoint could not be stored");
  return { status: error.status, error: { code: error.code, message: error.message } };
}
