// A circuit breaker. Pure: the time is an argument, the state is a value.
//
//   closed ──failures in a row──► open ──rest is over──► one probe ──succeeded──► closed
//                                   ▲                        └──failed──► open

export type Breaker = { failures: number; openUntil: number; probing: boolean };

export const closedBreaker: Breaker = { failures: 0, openUntil: 0, probing: false };

const mostFailures = 5;
const restMs = 30_000;

/** May a call be made now? When the rest is over one may, and the others wait for how it goes. */
export function mayCall(breaker: Breaker, nowMs: number): boolean {
  if (breaker.failures < mostFailures) return true;
  return nowMs >= breaker.openUntil && !breaker.probing;
}

export function afterStart(breaker: Breaker): Breaker {
  return breaker.failures < mostFailures ? breaker : { ...breaker, probing: true };
}

/** The call that was begun is not made after all, and says nothing. */
export function withoutCall(breaker: Breaker): Breaker {
  return { ...breaker, probing: false };
}

export function afterCall(breaker: Breaker, succeeded: boolean, nowMs: number): Breaker {
  if (succeeded) return closedBreaker;
  const failures = breaker.failures + 1;
  return { failures, openUntil: failures >= mostFailures ? nowMs + restMs : 0, probing: false };
}
