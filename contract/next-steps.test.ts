import { expect, test } from "vitest";
import {
  type Contract,
  contract,
  listOperations,
  nextSteps,
  type OperationTree,
  suggestedAfter,
} from "./index.ts";

const operations = new Map(
  listOperations(contract as Contract & OperationTree).map(({ noun, verb, operation }) => [
    `${noun}.${verb}`,
    operation,
  ]),
);

/** Fits wherever an id is asked for. */
const anyId = "ws_1";
const apv = `apv_${"0".repeat(32)}`;

/** Answers that call forth every suggestion. */
const outputs = [
  { failed: 1, pending_approval: 1, oldest_waiting_seconds: 999, name: "q", state: "paused", remaining: 2 },
  { created: true, name: "q", callback_url: "https://a.example", stats: { failed: 3 } },
  {
    data: [{ id: anyId, name: "q", state: "failed", status: "failed", stats: { failed: 1 } }],
    nextCursor: "c",
  },
  { approvals: [{ id: apv }], nextCursor: "c" },
  { id: apv, status: "pending", payload_hash: `sha256:${"0".repeat(64)}`, jobId: "j", queueName: "q" },
  { data: [{ id: anyId, status: "waiting" }], nextCursor: null },
  { id: anyId, queue: "q", run_id: "run_1", state: "failed", status: "failed", workflow: "w" },
  {
    id: anyId,
    status: "waiting",
    steps: [{ approval: {}, status: "waiting", signal: "s" }],
    run_id: "run_1",
  },
];
const base = { name: "q", id: anyId, queue: "q", run_id: "run_1", workflow: "w", jobId: "j", queueName: "q" };

/** As much of this as the operation takes. */
const inputOf = (key: string) => {
  const given = { name: "q", id: anyId, workspace: anyId, queue: "q" };
  const shape = operations.get(key)?.input.shape ?? {};
  return Object.fromEntries(Object.entries(given).filter(([field]) => field in shape));
};

test("every operation that something follows exists", () => {
  for (const key of suggestedAfter) expect([...operations.keys()]).toContain(key);
});

test("what follows has an operation that takes these arguments, as they are", () => {
  const unknown = new Set<string>();
  for (const key of suggestedAfter) {
    const goesOn = operations.get(key)?.input.shape.cursor !== undefined;
    for (const output of outputs
      .filter(({ nextCursor }) => goesOn || !nextCursor)
      .map((one) => ({ ...base, ...one }))) {
      for (const next of nextSteps(key, inputOf(key), output)) {
        const operation = operations.get(next.operation);
        if (!operation) unknown.add(next.operation);
        else
          expect(
            operation.input.safeParse(next.input).error?.issues,
            `${key} → ${next.operation}`,
          ).toBeUndefined();
      }
    }
  }
  expect([...unknown]).toEqual([]);
});
