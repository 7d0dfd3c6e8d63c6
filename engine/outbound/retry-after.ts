/** How long a Retry-After header asks to wait: seconds, or an HTTP date. Undefined when it says neither. */
export function parseRetryAfter(text: string, now: number): number | undefined {
  const value = text.trim();
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  // Date.parse alone takes nearly anything, "-5" for a year.
  if (!/^[A-Z][a-z]+,? .+ (GMT|\d{4})$/.test(value)) return undefined;
  const at = Date.parse(value.endsWith("GMT") ? value : `${value} GMT`);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
