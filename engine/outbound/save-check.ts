import { invalidInput } from "@rotorsh/contract";
import { type Egress, EgressRefused } from "./egress.ts";

/** For saving a URL that this server will call; throws INVALID_INPUT for the field it came in. */
export function checkSavedUrl(egress: Egress, path: string, text: string | null): void {
  if (text === null) return;
  const problem = problemOf(egress, text);
  if (problem) throw invalidInput([{ path, problem }]);
}

function problemOf(egress: Egress, text: string): string | undefined {
  if (!URL.canParse(text)) return "must be a URL";
  const url = new URL(text);
  if (url.hash) return "must not contain a fragment";
  try {
    egress.checkUrl(url);
    return undefined;
  } catch (error) {
    if (error instanceof EgressRefused) return error.problem;
    throw error;
  }
}
