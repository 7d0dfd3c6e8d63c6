// Every text of a payload: keys, values, and what is inside a string that is JSON itself.

/** Answers the text, or what is to stand in its place. `key` is the name of the field it is the value of. */
export type Visit = (text: string, key: string) => string;

/** JSON in JSON in JSON: deeper it is looked at as plain text. */
const deepestNesting = 4;
/** As deep as any payload; a string may hold deeper JSON, and is then plain text. */
const deepestValue = 64;

/** The value with every text replaced by what `visit` answers; the very same value where nothing changes. */
export function mapTexts(value: unknown, visit: Visit, key = "", nesting = 0): unknown {
  if (typeof value === "string") return mapString(value, visit, key, nesting);
  if (typeof value === "number") {
    const text = String(value);
    const made = visit(text, key);
    return made === text ? value : made;
  }
  if (Array.isArray(value)) return mapArray(value, visit, key, nesting);
  if (value !== null && typeof value === "object") return mapObject(value, visit, nesting);
  return value;
}

function mapString(text: string, visit: Visit, key: string, nesting: number): string {
  const inner = nesting < deepestNesting ? readJson(text) : undefined;
  if (inner === undefined) return visit(text, key);
  const made = mapTexts(inner, visit, key, nesting + 1);
  return made === inner ? text : JSON.stringify(made);
}

function mapArray(list: unknown[], visit: Visit, key: string, nesting: number): unknown[] {
  let made: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const now = mapTexts(item, visit, key, nesting);
    if (now === item) continue;
    made ??= [...list];
    made[index] = now;
  }
  return made ?? list;
}

function mapObject(object: object, visit: Visit, nesting: number): object {
  let isChanged = false;
  const names = new Set<string>();
  const entries = Object.entries(object).map(([name, item]): [string, unknown] => {
    const [madeName, made] = [visit(name, ""), mapTexts(item, visit, name, nesting)];
    isChanged ||= madeName !== name || made !== item;
    const own = unused(madeName, names);
    names.add(own);
    return [own, made];
  });
  // Not assigned one by one: a field may be called __proto__.
  return isChanged ? Object.fromEntries(entries) : object;
}

/** Two names that are replaced by the same word stay two. */
function unused(name: string, taken: ReadonlySet<string>): string {
  let made = name;
  for (let count = 2; taken.has(made); count++) made = `${name}-${count}`;
  return made;
}

/** The object or list that a string is, if it is one that can be walked. */
function readJson(text: string): object | undefined {
  if (!/^\s*[{[]/.test(text) || depthOf(text) > deepestValue) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

/** At least as deep as the JSON is: brackets in strings count too. */
function depthOf(text: string): number {
  let [depth, most] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7b || code === 0x5b) most = Math.max(most, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return most;
}
