import { type Contract, RotorError } from "@rotorsh/contract";
import { explainRun, failingStep } from "../core/run-explain.ts";
import { type Handler, workspaceOf } from "../handler.ts";
import { readRunFacts } from "../store/run-explain.ts";
import { findRun, toRun } from "../store/runs.ts";
import { withTool } from "./next-call.ts";

export const explain: Handler<Contract["runs"]["explain"]> = async ({ id }, context) => {
  const workspaceId = workspaceOf(context).id;
  const run = await findRun(context.db, workspaceId, id);
  if (!run) throw new RotorError("RUN_NOT_FOUND", { id });
  const { facts, parents, children, steps } = await readRunFacts(context.db, workspaceId, run);
  const { summary, causes, next } = explainRun(facts);
  const failing = failingStep(steps);
  return {
    summary,
    status: run.status,
    causes,
    error: toRun(run).error,
    failing_step: failing
      ? {
          name: failing.name,
          attempts: failing.attempts,
          retries: facts.workflow?.retries ?? null,
          error: failing.error,
        }
      : null,
    next_attempt_at:
      causes.find(({ code }) => /^(STEP_RETRY|FUNCTION_RETRY|APP_FAILING)$/.test(code))?.until ?? null,
    parents,
    children,
    next: next.map(withTool),
  };
};
