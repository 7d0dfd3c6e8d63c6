// Match expressions: `data.contactId == "c_1" && data.score >= 50`. A parser and an evaluator of our own, because
// expressions come from users: nothing here can loop, call, read outside the event, or take long.
//
//   or: and ("||" and)*    and: not ("&&" not)*    not: "!" not | compare
//   compare: operand (("==" | "!=" | "<" | "<=" | ">" | ">=") operand)?
//   operand: "(" or ")" | string | number | true | false | null | path

export type Scalar = string | number | boolean | null;

type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

export type Match =
  | { kind: "literal"; value: Scalar }
  | { kind: "path"; path: readonly string[] }
  | { kind: "not"; of: Match }
  | { kind: "and" | "or"; left: Match; right: Match }
  | { kind: "compare"; by: Comparison; left: Match; right: Match };

export const longestMatch = 2000;
const deepest = 32;

/** Says what is wrong, and where; the text itself is the caller's and not repeated. */
export class MatchError extends Error {
  override readonly name = "MatchError";
  readonly position: number;

  constructor(problem: string, position: number) {
    super(`${problem} at character ${position + 1}`);
    this.position = position;
  }
}

type Token = { text: string; at: number; value?: Scalar; path?: string[] };

const space = /\s+/y;
const symbol = /==|!=|<=|>=|&&|\|\||[<>!()]/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?(?![\w.])/y;
const string = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y;
const word = /[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\.\d+|\[\d{1,6}\]|\["(?:[^"\\\n]|\\.)*"\])*/y;
const words: Record<string, Scalar> = { true: true, false: false, null: null };

/** The expression as a tree, or a MatchError. */
export function parseMatch(text: string): Match {
  if (text.length > longestMatch) {
    throw new MatchError(`The expression is longer than ${longestMatch} characters`, longestMatch);
  }
  const tokens = [...tokenise(text)];
  let next = 0;
  let depth = 0;
  const peek = () => tokens[next]?.text;
  const position = () => tokens[next]?.at ?? text.length;

  function binary(symbol: "&&" | "||", kind: "and" | "or", operand: () => Match): Match {
    let left = operand();
    for (let links = 0; peek() === symbol; links++) {
      if (links >= deepest) throw new MatchError("The expression has too many parts", position());
      next++;
      left = { kind, left, right: operand() };
    }
    return left;
  }

  const or = (): Match => binary("||", "or", and);
  const and = (): Match => binary("&&", "and", not);

  function not(): Match {
    if (peek() !== "!") return compare();
    return nested(() => ({ kind: "not", of: not() }));
  }

  function nested(read: () => Match): Match {
    if (++depth > deepest) throw new MatchError("The expression is nested too deeply", position());
    next++;
    const match = read();
    depth--;
    return match;
  }

  function compare(): Match {
    const left = operand();
    const by = peek();
    if (!isComparison(by)) return left;
    next++;
    return { kind: "compare", by, left, right: operand() };
  }

  function operand(): Match {
    const token = tokens[next];
    if (token?.text === "(") {
      return nested(() => {
        const inner = or();
        if (peek() !== ")") throw new MatchError("A closing parenthesis is missing", position());
        next++;
        return inner;
      });
    }
    if (token?.value !== undefined || token?.path) {
      next++;
      return token.path
        ? { kind: "path", path: token.path }
        : { kind: "literal", value: token.value as Scalar };
    }
    throw new MatchError(token ? "A value is missing before this" : "A value is missing", position());
  }

  const match = or();
  if (next < tokens.length) throw new MatchError("An operator is missing", position());
  return match;
}

function isComparison(text: string | undefined): text is Comparison {
  return text !== undefined && ["==", "!=", "<", "<=", ">", ">="].includes(text);
}

function* tokenise(text: string): Generator<Token> {
  for (let at = 0; at < text.length; ) {
    const read = (form: RegExp): string | undefined => {
      form.lastIndex = at;
      return form.exec(text)?.[0];
    };
    const blank = read(space);
    if (blank) {
      at += blank.length;
      continue;
    }
    const found = tokenAt(at, read);
    yield found;
    at += found.text.length;
  }
}

function tokenAt(at: number, read: (form: RegExp) => string | undefined): Token {
  const numeral = read(number);
  if (numeral !== undefined) return { text: numeral, at, value: Number(numeral) };
  const mark = read(symbol);
  if (mark !== undefined) return { text: mark, at };
  const quoted = read(string);
  if (quoted !== undefined) return { text: quoted, at, value: unquote(quoted, at) };
  const name = read(word);
  if (name === undefined) throw new MatchError("This is not understood", at);
  if (Object.hasOwn(words, name)) return { text: name, at, value: words[name] as Scalar };
  if (!/^(data|event)\b/.test(name)) throw new MatchError("A path must begin with data or event", at);
  return { text: name, at, path: partsOf(name, at) };
}

function unquote(quoted: string, at: number): string {
  const inner = quoted.slice(1, -1);
  // In single quotes a double quote stands for itself, in JSON it does not.
  const body = quoted[0] === "'" ? inner.replaceAll("\\'", "'").replaceAll(/(?<!\\)"/g, '\\"') : inner;
  try {
    return JSON.parse(`"${body}"`) as string;
  } catch {
    throw new MatchError("This text holds an escape that is not understood", at);
  }
}

/** `event.data.a["b c"][0]` → data, a, b c, 0. */
function partsOf(name: string, at: number): string[] {
  const parts = [...name.matchAll(/([A-Za-z_$][\w$]*|(?<=\.)\d+)|\[(\d+)\]|\[("(?:[^"\\\n]|\\.)*")\]/g)].map(
    ([, plain, index, quoted]) => plain ?? index ?? unquote(quoted as string, at),
  );
  return parts[0] === "event" && parts.length > 1 ? parts.slice(1) : parts;
}

export type MatchedEvent = { name: string; data: unknown; ts: number; id?: string };

/** Is the expression true of this event? A missing field is null; values of different types are never equal. */
export function matches(match: Match, event: MatchedEvent): boolean {
  return evaluate(match, event) === true;
}

function evaluate(match: Match, event: MatchedEvent): unknown {
  switch (match.kind) {
    case "literal":
      return match.value;
    case "path":
      return valueAt(event, match.path);
    case "not":
      return evaluate(match.of, event) !== true;
    case "and":
      return evaluate(match.left, event) === true && evaluate(match.right, event) === true;
    case "or":
      return evaluate(match.left, event) === true || evaluate(match.right, event) === true;
    case "compare":
      return compare(match.by, evaluate(match.left, event), evaluate(match.right, event));
  }
}

function compare(by: Comparison, left: unknown, right: unknown): boolean {
  if (by === "==") return left === right;
  if (by === "!=") return left !== right;
  const ordered =
    (typeof left === "number" && typeof right === "number") ||
    (typeof left === "string" && typeof right === "string");
  if (!ordered) return false;
  const [a, b] = [left as number, right as number];
  return { "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b }[by];
}

/** What lies at a path; null where there is nothing. Only own fields: no path leads into the language itself. */
export function valueAt(event: MatchedEvent, path: readonly string[]): unknown {
  let value: unknown = event;
  for (const part of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, part)) return null;
    value = (value as Record<string, unknown>)[part];
  }
  return value ?? null;
}

/** A field and the value it must have for the expression to be true at all, or nothing of the kind. */
export function equalityOf(match: Match): { path: readonly string[]; value: Scalar } | undefined {
  if (match.kind === "and") return equalityOf(match.left) ?? equalityOf(match.right);
  if (match.kind !== "compare" || match.by !== "==") return undefined;
  const { left, right } = match;
  if (left.kind === "path" && right.kind === "literal") return { path: left.path, value: right.value };
  if (left.kind === "literal" && right.kind === "path") return { path: right.path, value: left.value };
  return undefined;
}

/** The value as a key of an index; undefined for what no expression can be equal to. */
export function indexValue(value: unknown): string | undefined {
  if (value !== null && typeof value === "object") return undefined;
  return JSON.stringify(value ?? null);
}
