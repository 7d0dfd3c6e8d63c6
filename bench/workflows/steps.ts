// What the steps of every measured workflow do, and how the times of long runs are told.

import { nowNs } from "../harness/clock.ts";

export const tenSteps = 10;

/** A small result, as steps have it. */
export const result = (index: number) => ({ index, id: "0190c8a1-7f5d-7bd4-a2a5-5f1f0f6b8f01", ok: true });

/** When each step of the latest long run began. */
export type Marks = { begin(): void; mark(): void; perStepMs(from: number, to: number): number };

export function createMarks(): Marks {
  let marks: bigint[] = [];
  return {
    begin() {
      marks = [];
    },
    mark() {
      marks.push(nowNs());
    },
    perStepMs(from, to) {
      const [first, last] = [marks[from], marks[to]];
      if (first === undefined || last === undefined) throw new Error(`only ${marks.length} steps ran`);
      return Number(last - first) / 1e6 / (to - from);
    },
  };
}
