// The machine's monotonic clock, the same in every process.

export const nowNs = (): bigint => process.hrtime.bigint();

export function elapsedMs(fromNs: bigint, toNs = nowNs()): number {
  return Number(toNs - fromNs) / 1e6;
}
