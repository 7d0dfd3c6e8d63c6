/** Headers as fetch, Node's http, or a plain object hold them. */
export type HeadersLike =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Finds a header whatever its case; a header sent several times is one text, as in fetch. */
export function headerOf(headers: HeadersLike, name: string): string | undefined {
  if (typeof headers.get === "function") return headers.get(name) ?? undefined;
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name && value !== undefined) {
      return typeof value === "string" ? value : (value as readonly string[]).join(", ");
    }
  }
  return undefined;
}
