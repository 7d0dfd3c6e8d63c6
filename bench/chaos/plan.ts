// The queues of a run, and how its handlers behave.

export type QueuePlan = {
  name: string;
  concurrency: number;
  timeoutSeconds: number;
  attempts: number;
  /** Share of the load. */
  weight: number;
  rate?: { max: number; period_seconds: number };
};

export const queues: readonly QueuePlan[] = [
  { name: "wide", concurrency: 12, timeoutSeconds: 2, attempts: 5, weight: 8 },
  { name: "narrow", concurrency: 3, timeoutSeconds: 1, attempts: 4, weight: 3 },
  { name: "single", concurrency: 1, timeoutSeconds: 1, attempts: 4, weight: 1 },
  {
    name: "rated",
    concurrency: 5,
    timeoutSeconds: 1,
    attempts: 4,
    weight: 2,
    rate: { max: 15, period_seconds: 1 },
  },
];

/** How much longer than its request a job's lease lasts. */
export const leaseGraceMs = 10_000;

/** The concurrency a running queue may be changed to. */
export const concurrencyRange = (plan: QueuePlan): [number, number] => [
  Math.max(1, plan.concurrency - 2),
  plan.concurrency + 3,
];

export type Behaviour = "ok" | "slow" | "error" | "hang" | "reset" | "gone" | "busy";

export function behaviourOf(share: number): Behaviour {
  const steps: [Behaviour, number][] = [
    ["error", 0.08],
    ["slow", 0.06],
    ["busy", 0.02],
    ["reset", 0.03],
    ["hang", 0.01],
    ["gone", 0.01],
  ];
  let left = share;
  for (const [behaviour, size] of steps) {
    if (left < size) return behaviour;
    left -= size;
  }
  return "ok";
}
