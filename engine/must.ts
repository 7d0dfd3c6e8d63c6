/** The value, or a plain Error: a broken assumption of ours, never a caller's mistake. */
export function must<T>(value: T | null | undefined, what = "a value"): T {
  if (value === null || value === undefined) throw new Error(`Expected ${what}`);
  return value;
}
