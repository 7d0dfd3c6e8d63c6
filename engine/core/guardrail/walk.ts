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
  return nesting < deepestNesting && isJson(text) ? mapJson(text, visit, key, nesting) : visit(text, key);
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

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|-?\d[\d.eE+-]*|[{}[\]]/g;

/**
 * JSON text with its texts replaced where it stands: parsed and written anew, long numbers would be others, and a name
 * that comes twice would hide what stands under it first.
 */
function mapJson(json: string, visit: Visit, outer: string, nesting: number): string {
  let key = outer;
  const above: string[] = [];
  const names = new Set<string>();
  return json.replaceAll(tokens, (token, colon: string | undefined) => {
    if (token === "{" || token === "[") above.push(key);
    else if (token === "}" || token === "]") key = above.pop() ?? outer;
    else if (colon !== undefined) {
      key = JSON.parse(token.slice(0, -colon.length)) as string;
      const made = visit(key, "");
      if (made === key) return token;
      const own = unused(made, names);
      names.add(own);
      return JSON.stringify(own) + colon;
    } else {
      const text = token.startsWith('"') ? (JSON.parse(token) as string) : token;
      const made = token === text ? visit(text, key) : mapString(text, visit, key, nesting + 1);
      if (made !== text) return JSON.stringify(made);
    }
    return token;
  });
}

/** Is it an object or a list, and one that can be walked? */
function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text) || depthOf(text) > deepestValue) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
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
