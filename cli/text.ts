// Text for people. Data may come from anyone, so nothing in it may move the cursor or hide what is shown.

const control = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** One harmless line. */
export function plain(text: string): string {
  return text.replaceAll(/[\t\r\n]+/g, " ").replaceAll(control, "");
}

/** JSON escapes most control characters itself; these remain, and some terminals obey them. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns a terminal needs for a text. */
export function width(text: string): number {
  let columns = 0;
  for (const letter of text) columns += /\p{Mn}|\u200d/u.test(letter) ? 0 : wide.test(letter) ? 2 : 1;
  return columns;
}

export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  for (const letter of text) {
    if (width(kept + letter) > columns - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** `retryAttempts` and `retry_attempts` are both the flag `retry-attempts`. */
export function kebab(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}
