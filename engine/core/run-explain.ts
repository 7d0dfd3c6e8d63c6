// Why a run is where it is, from facts. The sentences are fixed: what code, events and apps said is in fields of
// its own.

import type { Contract, OutputOf } from "@rotorsh/contract";
import { isEnded, type RunStatus } from "./run.ts";

type Explained = OutputOf<Contract["runs"]["explain"]>;
export type RunCause = Explained["causes"][number];
export type NextCall = Omit<Explained["next"][number], "tool">;

export type RunFacts = {
  now: Date;
  run: {
    id: string;
    workflow: string;
    status: RunStatus;
    attempt: number;
    /** Of the function, for the last failure of a drive, a step or the function. */
    errorName: string | null;
    /** A drive holds it until then. */
    leaseUntil: Date | null;
    dueAt: Date | null;
    /** Drives in a row that came to nothing. */
    failures: number;
    /** The app is still to be told of the end. */
    hook: string | null;
    parent: string | null;
  };
  steps: readonly FactStep[];
  workflow: { archived: boolean; retries: number } | null;
  suspended: boolean;
};

export type FactStep = {
  name: string;
  kind: string;
  status: "completed" | "failed" | "retrying" | "waiting" | "sleeping";
  attempts: number;
  due_at: string | null;
  child: string | null;
  event: string | null;
  signal: string | null;
  approval: unknown;
};

type Finding = { cause: RunCause; next: NextCall[] };

/** However many waits a run has, it is explained by the first ones. */
const mostCauses = 20;

export function explainRun(facts: RunFacts): { summary: string; causes: RunCause[]; next: NextCall[] } {
  const { status } = facts.run;
  const findings = (isEnded(status) ? ended(facts) : [...held(facts), ...open(facts)]).slice(0, mostCauses);
  return {
    summary: [`The run is ${status}.`, ...findings.slice(0, 3).map(({ cause }) => cause.text)].join(" "),
    causes: findings.map(({ cause }) => cause),
    next: findings.flatMap(({ next }) => next).slice(0, 3),
  };
}

function finding(
  code: RunCause["code"],
  text: string,
  more: Partial<RunCause> = {},
  next: NextCall[] = [],
): Finding {
  const nothing = { until: null, step: null, attempts: null, event: null, signal: null, run_id: null };
  return { cause: { code, text, ...nothing, ...more }, next };
}

function call(operation: string, args: Record<string, unknown>, why: string): NextCall {
  return { operation, arguments: args, why };
}

/** What keeps every run of the workflow from going on. */
function held({ suspended, workflow, run }: RunFacts): Finding[] {
  const found: Finding[] = [];
  if (suspended) {
    found.push(
      finding(
        "WORKSPACE_SUSPENDED",
        "The workspace is suspended; only the operator of the server can lift that.",
      ),
    );
  }
  if (!workflow || workflow.archived) {
    const register = call(
      "functions.register",
      { id: run.workflow },
      "Brings the workflow back, before the run goes on.",
    );
    const text = "Its workflow is archived: when it should go on, it will fail.";
    found.push(finding("WORKFLOW_ARCHIVED", text, {}, [register]));
  }
  return found;
}

function open(facts: RunFacts): Finding[] {
  const { run, now, steps } = facts;
  if (run.status === "pending") return [finding("READY", "Nothing is in its way: it starts at any moment.")];
  const retries = steps.filter(({ status }) => status === "retrying").map((step) => retrying(step, facts));
  if (run.leaseUntil) {
    if (run.leaseUntil < now) {
      return [
        finding(
          "LEASE_EXPIRED",
          "The server that drove it was not heard of in time; it is driven again at any moment.",
        ),
      ];
    }
    return [finding("RUNNING", "The app is executing it."), ...retries];
  }
  if (run.failures > 0) return [failing(facts)];
  const waits = steps.flatMap((step) => wait(step, run.id) ?? []);
  const found = [
    ...waits.filter(({ cause }) => cause.code !== "SLEEPING"),
    ...retries,
    ...waits.filter(({ cause }) => cause.code === "SLEEPING"),
  ];
  if (found.length > 0) return found;
  if (run.dueAt && run.dueAt > now) {
    const text = "The function failed as a whole and is tried again.";
    return [finding("FUNCTION_RETRY", text, { until: run.dueAt.toISOString(), attempts: run.attempt })];
  }
  return [finding("READY", "What it waited for has come: it goes on at any moment.")];
}

function failing({ run }: RunFacts): Finding {
  const until = run.dueAt?.toISOString() ?? null;
  const text =
    "The app did not answer as agreed the last time; it is asked again. `error` says what happened.";
  return finding("APP_FAILING", text, { until, attempts: run.failures }, [
    call(
      "functions.get",
      { id: run.workflow },
      "Shows where the app is called; check that it serves the workflow there.",
    ),
  ]);
}

function retrying({ name, attempts, due_at: until }: FactStep, { workflow }: RunFacts): Finding {
  const of = workflow ? ` of ${workflow.retries + 1}` : "";
  const text = `Attempt ${attempts}${of} of a step failed; the next one is due later. \`failing_step\` says why.`;
  return finding("STEP_RETRY", text, { step: name, attempts, until });
}

function wait(step: FactStep, runId: string): Finding | undefined {
  if (step.status !== "waiting" && step.status !== "sleeping") return undefined;
  const of = { step: step.name, until: step.due_at };
  switch (step.kind) {
    case "sleep":
      return finding("SLEEPING", "It sleeps until a time that its code chose.", of);
    case "event": {
      const send = call(
        "events.send",
        { name: step.event, data: {} },
        "Wakes it, when the data fits what it waits for.",
      );
      return finding("WAITING_FOR_EVENT", "It waits for an event.", { ...of, event: step.event }, [send]);
    }
    case "signal": {
      const { signal } = step;
      if (step.approval) {
        const decide = call(
          "runs.approve",
          { id: runId, signal, approved: true },
          "Decides it, with a key that may approve.",
        );
        return finding("WAITING_FOR_APPROVAL", "A person has to decide.", { ...of, signal }, [decide]);
      }
      const complete = call("signals.complete", { id: signal, data: {} }, "Gives it the data it waits for.");
      return finding("WAITING_FOR_SIGNAL", "It waits for a signal.", { ...of, signal }, [complete]);
    }
    case "invoke": {
      const look = call("runs.explain", { id: step.child }, "Tells how that run fares.");
      return finding(
        "WAITING_FOR_RUN",
        "It waits for a run that it invoked.",
        { ...of, run_id: step.child },
        [look],
      );
    }
    default:
      return undefined;
  }
}

function ended(facts: RunFacts): Finding[] {
  const { run } = facts;
  const found = run.status === "failed" ? [failed(facts)] : [];
  if (run.status === "completed") found.push(finding("COMPLETED", "It came to its end."));
  if (run.status === "cancelled")
    found.push(finding("CANCELLED", "It was cancelled, or the run that invoked it was."));
  if (run.hook) found.push(finding("HOOK_PENDING", "The app is still to be told of the end."));
  return found;
}

/** Errors of our own making, by the name they are stored under. */
const ownErrors: Record<string, { code: RunCause["code"]; text: string }> = {
  DriveError: { code: "APP_UNUSABLE", text: "The app did not answer as agreed, however often it was asked." },
  WorkflowGoneError: { code: "WORKFLOW_ARCHIVED", text: "Its workflow was archived while it was under way." },
  RunTooLargeError: { code: "TOO_LARGE", text: "It grew beyond what one run may hold." },
  SignalConflictError: {
    code: "SIGNAL_CONFLICT",
    text: "It wanted to wait for a signal that another run waits for.",
  },
};

function failed({ run, steps }: RunFacts): Finding {
  const again = call("runs.replay", { id: run.id }, "Starts a new run with the same input.");
  const own = ownErrors[run.errorName ?? ""];
  if (own) {
    const look = call(
      "functions.get",
      { id: run.workflow },
      "Shows where and how the workflow is registered.",
    );
    return finding(own.code, own.text, {}, own.code === "TOO_LARGE" ? [] : [look, again]);
  }
  const step = failingStep(steps);
  if (!step) {
    const text = "The function threw, and no attempt was left. `error` says what.";
    return finding("FUNCTION_FAILED", text, { attempts: run.attempt }, [again]);
  }
  const rerun = call(
    "runs.rerun",
    { id: run.id, from_step: step.name },
    "Keeps the results before that step, once the cause is gone.",
  );
  const look = step.child
    ? [call("runs.explain", { id: step.child }, "Tells why the invoked run failed.")]
    : [];
  return finding(
    "STEP_FAILED",
    "A step failed for good. `failing_step` says which and why.",
    { step: step.name, attempts: step.attempts, run_id: step.child },
    [...look, rerun, again],
  );
}

/** The last one that failed or is tried again: earlier ones may have been caught by the code. */
export function failingStep<Step extends Pick<FactStep, "status">>(steps: readonly Step[]): Step | undefined {
  return steps.findLast(({ status }) => status === "failed" || status === "retrying");
}
