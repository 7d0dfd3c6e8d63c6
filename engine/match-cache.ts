// Compiled match expressions: the same one is met again with every event.

import { type Match, type MatchedEvent, matches, parseMatch } from "@rotorsh/contract";

const most = 10_000;
const compiled = new Map<string, Match>();

export function compileMatch(text: string): Match {
  const known = compiled.get(text);
  if (known) return known;
  const match = parseMatch(text);
  if (compiled.size >= most) compiled.clear();
  compiled.set(text, match);
  return match;
}

/** Nothing to match fits every event. What is stored was checked before; should it not compile, it fits none. */
export function isMatching(text: string | null, event: MatchedEvent): boolean {
  if (text === null) return true;
  try {
    return matches(compileMatch(text), event);
  } catch {
    return false;
  }
}
