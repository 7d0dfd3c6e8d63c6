// What usually comes after an operation. Surfaces that can suggest a call (MCP) offer those of these they have;
// nothing here is ever done by itself. Arguments are ids and names, never data of payloads.

import type { Json } from "./operation.ts";

export type NextStep = {
  /** `noun.verb` of the contract. */
  operation: string;
  input: Json;
  why: string;
};

type Suggest = (output: Json, input: Json) => (NextStep | false | undefined)[];

const step = (operation: string, input: Json, why: string): NextStep => ({ operation, input, why });

const rows = (output: Json): Json[] => (Array.isArray(output.data) ? (output.data as Json[]) : []);
const find = (output: Json, field: string, ...values: unknown[]) =>
  rows(output).find((row) => values.includes(row[field]));
const isAbove = (value: unknown, limit: number): boolean => typeof value === "number" && value > limit;
const statsOf = (queue: Json): Json => (queue.stats ?? {}) as Json;

const longWaitSeconds = 60;
const openRun = ["pending", "running", "sleeping", "waiting"];

const ofQueue = (counts: Json, name: unknown): ReturnType<Suggest> => [
  isAbove(counts.failed, 0) && step("dlq.groups", { name }, "Jobs failed: see why, grouped by cause."),
  isAbove(counts.pending_approval, 0) &&
    step("approvals.list", { queue: name, status: "pending" }, "Jobs wait for a person to approve them."),
  isAbove(counts.oldest_waiting_seconds, longWaitSeconds) &&
    step("queues.check", { name }, "Jobs have waited long: check that the handler answers."),
];

const ofRun = ({ id, status, workflow, steps }: Json): ReturnType<Suggest> => {
  const asked = ((steps ?? []) as Json[]).find((one) => one.approval && one.status === "waiting");
  return [
    asked && step("runs.approve", { id, signal: asked.signal }, "A person must decide before it goes on."),
    status === "failed" && step("runs.explain", { id }, "Find out why it failed."),
    status === "failed" && step("runs.replay", { id }, "Start it again with the same input."),
    status === "failed" && step("runs.list", { workflow, status }, "See whether others failed too."),
  ];
};

/** An explanation says itself what would help. */
const ownSteps = ({ next }: Json): NextStep[] =>
  ((next ?? []) as { operation: string; arguments: Json; why: string }[]).map((one) =>
    step(one.operation, one.arguments, one.why),
  );

const suggestions: Record<string, Suggest> = {
  "queues.list": (output) => {
    const failing = rows(output).find((queue) => isAbove(statsOf(queue).failed, 0));
    return failing ? ofQueue(statsOf(failing), failing.name) : [];
  },
  "queues.upsert": ({ name, created, callback_url: url }) => [
    url !== null && step("queues.check", { name }, "Check that its handler answers and verifies."),
    created === true && step("jobs.enqueue", { name }, "Add a first job."),
    step("queues.stats", { name }, "See its jobs and how fast they go."),
  ],
  "queues.get": (queue) => [
    ...ofQueue(statsOf(queue), queue.name),
    queue.state === "paused" && step("queues.setState", { name: queue.name, state: "active" }, "Resume it."),
  ],
  "queues.stats": (counts, { name }) => ofQueue(counts, name),
  "queues.setState": ({ name, state }) => [
    state === "paused" && step("queues.setState", { name, state: "active" }, "Resume it."),
    step("queues.stats", { name }, "See what waits."),
  ],
  "queues.drain": (output, input) => [
    isAbove(output.remaining, 0) && step("queues.drain", withoutToken(input), "Some are left: go on."),
    step("queues.stats", { name: input.name }, "See what is left."),
  ],
  "queues.retryAll": (_, { name }) => [step("queues.stats", { name }, "See how they fare.")],
  "jobs.enqueue": ({ id, queue }) => [step("jobs.get", { name: queue, id }, "See how it fares.")],
  "jobs.list": (output, { name }) => {
    const failed = find(output, "state", "failed");
    return [failed && step("jobs.explain", { name, id: failed.id }, "Find out why this one failed.")];
  },
  "jobs.get": ({ id, state, queue }) => [
    !["completed", "cancelled"].includes(String(state)) &&
      step("jobs.explain", { name: queue, id }, "Find out why it is where it is."),
    state === "failed" &&
      step("jobs.retry", { name: queue, id }, "Let it wait again, once the cause is gone."),
  ],
  "jobs.explain": (output, { name, id }) => [
    ...ownSteps(output),
    step("jobs.get", { name, id }, "See its payload and attempts."),
  ],
  "jobs.retry": ({ id, queue }) => [step("jobs.get", { name: queue, id }, "See how it fares.")],
  "dlq.list": (_, { name }) => [step("dlq.groups", { name }, "See the causes, grouped.")],
  "dlq.groups": (_, { name }) => [
    step("queues.retryAll", { name, dry_run: true }, "See how many a retry would be about."),
  ],
  "functions.list": (output) => {
    const [first] = rows(output);
    return [first && step("runs.list", { workflow: first.id }, "See the runs of this one.")];
  },
  "functions.trigger": ({ run_id: id }) => [
    id !== null && step("runs.get", { id }, "See how far it is, and its result."),
  ],
  "functions.invoke": ({ run_id: id, status }) => [
    openRun.includes(String(status)) && step("runs.get", { id }, "It goes on: look again for its result."),
    status === "failed" && step("runs.explain", { id }, "Find out why it failed."),
    status === "failed" && step("runs.get", { id }, "See its steps."),
  ],
  "approvals.list": ({ approvals }) => {
    const [first] = (approvals ?? []) as Json[];
    return [first && step("approvals.get", { id: first.id }, "See all of what would be sent.")];
  },
  "approvals.get": ({ id, status, payload_hash: hash }) => {
    const seen = { id, ...(hash !== null && { payload_hash: hash }) };
    return [
      status === "pending" && step("approvals.approve", seen, "If a person agrees to exactly this payload."),
      status === "pending" && step("approvals.reject", { id }, "If a person does not."),
    ];
  },
  "approvals.approve": ({ jobId, queueName }) => [
    step("jobs.get", { name: queueName, id: jobId }, "See how the job fares."),
  ],
  "runs.list": (output) => {
    const failed = find(output, "status", "failed");
    const waiting = find(output, "status", "waiting");
    return [
      failed && step("runs.explain", { id: failed.id }, "Find out why this one failed."),
      failed && step("runs.get", { id: failed.id }, "See the steps of the failed one."),
      waiting && step("runs.get", { id: waiting.id }, "See what this one waits for."),
    ];
  },
  "runs.get": (run) => ofRun(run),
  "runs.explain": (output, { id }) => [...ownSteps(output), step("runs.get", { id }, "See its steps.")],
  "runs.cancel": ({ id }) => [step("runs.get", { id }, "See how it ended.")],
  "runs.approve": ({ run_id: id }) => [step("runs.get", { id }, "See how it goes on.")],
  "runs.replay": ({ id }) => [step("runs.get", { id }, "See how far it is.")],
  "admin.listWorkspaces": (output) => {
    const [first] = rows(output);
    return [first && step("admin.listQueues", { id: first.id }, "See the queues of this one.")];
  },
  "admin.listQueues": (output, { id: workspace }) => {
    const failing = rows(output).find((queue) => isAbove(statsOf(queue).failed, 0));
    return [
      failing &&
        step("admin.listFailed", { workspace, queue: failing.name }, "Jobs failed: see which, and why."),
    ];
  },
  "admin.listFailed": (output, { workspace, queue }) => {
    const [newest] = rows(output);
    return [
      newest && step("admin.getJob", { id: newest.id, workspace, queue }, "See what the newest one tried."),
      newest &&
        step(
          "admin.replayFailed",
          { workspace, queue, all: true, dry_run: true },
          "Once the cause is gone: see how many a replay would be about.",
        ),
    ];
  },
  "runs.rerun": ({ id }) => [step("runs.get", { id }, "See how far it is.")],
};

/** The operations that are suggested after others, for a test that each exists. */
export const suggestedAfter: readonly string[] = Object.keys(suggestions);

/** What usually comes after this call, likeliest first. A list that goes on suggests its next page last. */
export function nextSteps(operation: string, input: Json, output: Json): NextStep[] {
  const steps =
    suggestions[operation]?.(output, input).filter((one) => one !== false && one !== undefined) ?? [];
  const cursor = output.nextCursor;
  if (typeof cursor !== "string") return steps;
  return [...steps, step(operation, { ...withoutToken(input), cursor }, "There are more: go on.")];
}

function withoutToken({ confirm_token: _, ...input }: Json): Json {
  return input;
}
