// How large the runs under way have become, as far as this process knows: a drive may add many steps before anybody
// looks at the run again. Where another process drives a run, only what the drive adds is counted.

import type { StepErrorBody, StepRecord } from "@rotorsh/contract";
import { bytesOf, tooLarge } from "./core/drive-end.ts";

type Size = { steps: number; bytes: number };

export type DriveSizes = {
  /** A drive begins with so much. */
  begin(token: string, size: Size): void;
  /** Counts steps; why they may not be kept any more, where that is so. */
  add(token: string, steps: readonly StepRecord[]): StepErrorBody | undefined;
  end(token: string): void;
};

/** Leases of other processes are forgotten in the order they were first seen. */
const mostKnown = 20_000;

export function createDriveSizes(): DriveSizes {
  const sizes = new Map<string, Size>();
  const know = (token: string, size: Size): Size => {
    sizes.set(token, size);
    if (sizes.size > mostKnown) sizes.delete(sizes.keys().next().value as string);
    return size;
  };
  return {
    begin: (token, size) => void know(token, { ...size }),
    add(token, steps) {
      const size = sizes.get(token) ?? know(token, { steps: 0, bytes: 0 });
      size.steps += steps.length;
      for (const { outcome } of steps) size.bytes += bytesOf(outcome);
      return tooLarge(size.steps, size.bytes);
    },
    end: (token) => void sizes.delete(token),
  };
}
