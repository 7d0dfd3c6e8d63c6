// A replay in steps: 1 %, then 10 %, then all, each after the one before has ended well.

export type Canary = {
  stage: 0 | 1 | 2;
  /** Jobs there were at the start. */
  total: number;
  /** True when there is nothing left to send. */
  walked: boolean;
  sent: number;
  completed: number;
  failed: number;
  /** Cancelled or removed before they ended. */
  gone: number;
  maxErrorRate: number;
};

export type Move =
  | { kind: "wait" }
  | { kind: "send"; most: number; stage: 0 | 1 | 2 }
  | { kind: "stop" | "finish" };

/** Jobs sent at once, and jobs under way at once. */
export const mostSent = 1000;
export const mostUnderWay = 2000;

const shares = [0.01, 0.1, Number.POSITIVE_INFINITY] as const;

export function nextMove(canary: Canary): Move {
  const { stage, total, sent, completed, failed, gone, walked, maxErrorRate } = canary;
  const underWay = sent - completed - failed - gone;
  // Even if all that is under way went well, too many have failed.
  if (failed > maxErrorRate * (sent - gone)) return { kind: "stop" };
  const target = Math.max(1, Math.ceil(total * shares[stage]));
  const most = Math.min(target - sent, mostSent, mostUnderWay - underWay);
  if (!walked && sent < target) return most > 0 ? { kind: "send", most, stage } : { kind: "wait" };
  if (underWay > 0) return { kind: "wait" };
  if (walked || stage === 2) return { kind: "finish" };
  return nextMove({ ...canary, stage: stage === 0 ? 1 : 2 });
}

export function errorRate({ completed, failed }: Pick<Canary, "completed" | "failed">): number | null {
  const ended = completed + failed;
  return ended === 0 ? null : Math.round((failed / ended) * 1000) / 1000;
}
