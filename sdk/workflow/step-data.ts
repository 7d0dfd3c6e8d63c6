// What a step returns is stored as JSON, and the code gets it back as JSON: the first time already, so that the
// first execution and every replay see the same value.

import { NonRetriableError } from "./errors.ts";

export const stepLimitBytes = 4 * 1024 * 1024;

/** The value as it is stored; undefined becomes null, a Date its text. Refuses by name what JSON cannot hold. */
export function toStored(what: string, value: unknown): unknown {
  const text = toJson(what, value);
  const bytes = Buffer.byteLength(text);
  if (bytes > stepLimitBytes) {
    throw new NonRetriableError(
      `${what} returned ${(bytes / 1024 / 1024).toFixed(1)} MB; at most 4 MB are kept. Store it elsewhere and return a reference.`,
    );
  }
  return JSON.parse(text);
}

function toJson(what: string, value: unknown): string {
  try {
    return JSON.stringify(value, refuseBigInt) ?? "null";
  } catch (error) {
    const why =
      error instanceof RangeError || /circular|cyclic/i.test(String(error))
        ? "refers to itself"
        : (error as Error).message;
    throw new NonRetriableError(`${what} returned a value that cannot be stored as JSON: it ${why}.`);
  }
}

function refuseBigInt(key: string, value: unknown): unknown {
  if (typeof value === "bigint")
    throw new Error(`holds a BigInt${key ? ` in "${key}"` : ""}; return it as a string`);
  return value;
}
