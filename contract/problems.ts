// Turns zod's issues into sentences a person or an agent can act on. The validator's own words and the
// value that was sent never leave: a payload could hide instructions in them.

import type { z } from "zod";
import { RotorError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** The problem with a field that does not exist; `nearest` is a field then, and else a value. */
export const unknownField = "is not a known field";
export const missingField = "is required";

export type Problem = { path: string; problem: string; nearest?: string };

/** Longest list of problems that is reported; a body of 10,000 wrong fields gets a short answer. */
const mostProblems = 20;

/** Parses, or throws INVALID_INPUT with one problem per path. */
export function parseInput<Schema extends z.ZodObject>(schema: Schema, input: unknown): z.output<Schema> {
  // Without it no issue would say whether a value is missing or of the wrong type.
  const parsed = schema.safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw invalidInput(problemsOf(parsed.error.issues, schema));
}

export function invalidInput(problems: Problem[]): RotorError {
  const first = problems[0] ?? { path: "", problem: "it is not understood" };
  const problem = first.path ? `${first.path} ${first.problem}` : first.problem;
  const ending = first.nearest ? `; did you mean ${first.nearest}?` : ".";
  return new RotorError("INVALID_INPUT", {
    problem: problem + ending,
    problems: problems.slice(0, mostProblems),
  });
}

export function problemsOf(issues: readonly z.core.$ZodIssue[], schema: z.ZodObject): Problem[] {
  return issues.flatMap((issue) => {
    const path = pathOf(issue.path);
    if (issue.code !== "unrecognized_keys") {
      const close = issue.code === "invalid_value" ? nearestValue(issue) : undefined;
      return [{ path, problem: sentence(issue), ...(close && { nearest: close }) }];
    }
    const known = knownKeys(schema, issue.path);
    return issue.keys.slice(0, mostProblems).map((key) => {
      const close = nearest(key, known);
      return {
        path: pathOf([...issue.path, key]),
        problem: unknownField,
        ...(close && { nearest: close }),
      };
    });
  });
}

function nearestValue({ input, values }: z.core.$ZodIssueInvalidValue): string | undefined {
  return typeof input === "string" ? nearest(input, values.map(String)) : undefined;
}

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? missingField
        : `must be ${article(issue.expected)}, and ${kindOf(issue.input)} was sent`;
    case "too_small":
      return `must ${lengthOf(issue.origin)} at least ${issue.minimum}`;
    case "too_big":
      return `must ${lengthOf(issue.origin)} at most ${issue.maximum}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "invalid_format":
      return issue.format === "regex" ? "does not have the right form" : `must be ${article(issue.format)}`;
    case "custom":
      // Our own refinements; their text is fixed and names no value.
      return issue.message;
    case "invalid_union":
      return "does not have any of the accepted forms";
    default:
      return "is not valid";
  }
}

/** What was sent is said by its kind alone: a value could hold instructions. */
function kindOf(input: unknown): string {
  if (input === null) return "null";
  return article(Array.isArray(input) ? "array" : typeof input);
}

function lengthOf(origin: string): string {
  if (origin === "string") return "have a length of";
  if (origin === "array" || origin === "set" || origin === "map") return "have a number of entries of";
  return "be";
}

function article(noun: string): string {
  const words: Record<string, string> = {
    int: "a whole number",
    record: "an object",
    datetime: "a date and time such as 2026-01-31T09:00:00Z",
    email: "an e-mail address",
    url: "a URL",
  };
  return words[noun] ?? `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key).slice(0, 64)}`))
    .join("")
    .replace(/^\./, "");
}

/** Field names of the object at a path, through optional and default wrappers and arrays. */
function knownKeys(schema: z.ZodObject, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  for (const key of path) {
    const inner = unwrap(current) as { shape?: Record<string, unknown>; element?: unknown };
    current = typeof key === "number" ? inner?.element : inner?.shape?.[String(key)];
  }
  const { shape } = (unwrap(current) ?? {}) as { shape?: Record<string, unknown> };
  return Object.keys(shape ?? {});
}

function unwrap(schema: unknown): unknown {
  let inner = schema as { unwrap?: () => unknown; shape?: unknown; element?: unknown } | undefined;
  while (inner && !inner.shape && !inner.element && typeof inner.unwrap === "function") {
    inner = inner.unwrap() as typeof inner;
  }
  return inner;
}
