import { invalidInput } from "@rotorsh/contract";

const deepest = 64;
const mostKeys = 10_000;

/** Refuses values so deep or so wide that merely looking at them is work. */
export function checkShape(value: unknown, mostFields = mostKeys): void {
  let left = mostFields;
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) refuse(`must not be nested deeper than ${deepest} levels`);
    const next: unknown[] = [];
    for (const item of level) {
      // JSON has no infinity: what is read as one would be stored as null.
      if (item === Number.POSITIVE_INFINITY || item === Number.NEGATIVE_INFINITY) {
        refuse("must not hold a number beyond 1.8e308");
      }
      if (item !== null && typeof item === "object") left -= collect(item, next, left);
      if (left < 0) refuse(`must not have more than ${mostFields} fields`);
    }
    level = next;
  }
}

/** Adds an object's fields to `next`, but looks at no more than one too many; how many it saw. */
function collect(item: object, next: unknown[], most: number): number {
  if (Array.isArray(item) && item.length > most) return item.length;
  let seen = 0;
  for (const key in item) {
    if (++seen > most) break;
    next.push((item as Record<string, unknown>)[key]);
  }
  return seen;
}

function refuse(problem: string): never {
  throw invalidInput([{ path: "", problem }]);
}
