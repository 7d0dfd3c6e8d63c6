import { invalidInput } from "@rotorsh/contract";

const deepest = 64;
const mostKeys = 10_000;

/** Refuses values so deep or so wide that merely looking at them is work. */
export function checkShape(value: unknown, mostFields = mostKeys): void {
  let keys = 0;
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest)
      throw invalidInput([{ path: "", problem: `must not be nested deeper than ${deepest} levels` }]);
    const next: unknown[] = [];
    for (const item of level) {
      if (item === null || typeof item !== "object") continue;
      const fields = Object.values(item);
      keys += fields.length;
      if (keys > mostFields)
        throw invalidInput([{ path: "", problem: `must not have more than ${mostFields} fields` }]);
      next.push(...fields);
    }
    level = next;
  }
}
