import type { z } from "zod";
import type { ErrorCode } from "./errors.ts";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * What a caller must be allowed to do. Roles are sets of these (see access.ts);
 * `operate` belongs to the holder of ADMIN_TOKEN alone.
 */
export type Permission = "read" | "develop" | "approve" | "manage" | "operate";

/** Groups of hosted MCP tools. `default` is what `/mcp` lists; the others are chosen by URL. */
export const toolsets = [
  "default",
  "jobs",
  "schedules",
  "approvals",
  "guardrails",
  "webhooks",
  "workspace",
] as const;
export type Toolset = (typeof toolsets)[number];

/** A tool's name on each MCP server that offers the operation; a name is unique within its server. */
export type Tools = {
  hosted?: {
    name: string;
    toolset: Toolset;
    /** True for the few that hosts which load tools by need should have at once. */
    always?: true;
  };
  stdio?: `rotor_${string}`;
  admin?: `rotor_${string}`;
};

/** One thing a caller can ask Rotor to do. Every surface is derived from this object. */
export type Operation<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodObject = z.ZodObject,
  Positionals extends readonly string[] = readonly string[],
  Aliases extends readonly string[] = readonly string[],
> = {
  /** REST method and path; names in braces are read from the input. */
  route: `${Method} /${"v1" | "admin"}/${string}`;
  /** One sentence: OpenAPI summary and CLI help. */
  summary: string;
  /** What an agent should know beyond the summary: when to use it, what to use instead, what comes back. */
  description?: string;
  /** Words that people use for this and the summary does not contain; helps tool search. */
  synonyms?: string;
  tools: Tools;
  /** Arguments that come first and without a name in the SDK and the CLI. */
  positionals?: Positionals;
  /** Other names of the verb in the SDK and the CLI. */
  aliases?: Aliases;
  /** Words of the CLI command, where `<noun> <verb>` would not read well. */
  cli?: string;
  /** What a mistaken call costs. Becomes the MCP annotations. */
  impact: "read" | "write" | "destroy";
  /** True when a repeated call changes nothing more. */
  idempotent: boolean;
  /** Who may call it. */
  needs: Permission;
  /** True when the call is a person's decision: MCP asks the person through the host, where the host can. */
  human?: boolean;
  /** True when it starts a run that goes on after the answer; `run_id` of the output names it. */
  startsRun?: true;
  /** True when a queue key may call it for its own queue; the input then names the queue in `name`. */
  queueKeys?: boolean;
  /** True when success answers 201, unless the output says `duplicate: true` or `created: false`. */
  creates?: boolean;
  /** The audit event of a change, e.g. `queue.created`. Every change has one, or a reason in docs/audit.md. */
  audit?: string;
  /** The field that a body stands for when it is an array. */
  listBody?: string;
  /** True when `?format=csv` may ask for every row of the list as a stream. */
  csv?: boolean;
  /** Where a call may be larger than the usual 512 KB and 10,000 fields. */
  limits?: { bodyBytes: number; fields: number };
  input: Input;
  output: Output;
  errors: readonly ErrorCode[];
};

/** Checks a definition and keeps its exact types. */
export function operation<
  Input extends z.ZodObject,
  Output extends z.ZodObject,
  const Positionals extends readonly (keyof Input["shape"] & string)[] = readonly [],
  const Aliases extends readonly string[] = readonly [],
>(
  definition: Operation<Input, Output, Positionals, Aliases>,
): Operation<Input, Output, Positionals, Aliases> {
  return definition;
}

/** Operations by noun, then verb: `contract.queues.create`. */
export type OperationTree = Record<string, Record<string, Operation>>;

export type Json = Record<string, unknown>;

export type CallOptions = {
  /** Makes a repeated write answer what the first one answered. */
  idempotencyKey?: string;
  signal?: AbortSignal;
};

/** Performs an operation: in this process (engine) or over HTTP (sdk). */
export type Call = (operation: Operation, input: unknown, options?: CallOptions) => Promise<Json>;

export type InputOf<Op extends Operation> = z.input<Op["input"]>;
export type ParsedInputOf<Op extends Operation> = z.output<Op["input"]>;
export type OutputOf<Op extends Operation> = z.output<Op["output"]>;

export type NamedOperation = { noun: string; verb: string; operation: Operation };

export function listOperations(tree: OperationTree): NamedOperation[] {
  return Object.entries(tree).flatMap(([noun, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ noun, verb, operation })),
  );
}

/** Splits a route into its method and its path template. */
export function routeOf({ route }: Pick<Operation, "route">): { method: Method; path: string } {
  const [method, path] = route.split(" ") as [Method, string];
  return { method, path };
}

/** Names in braces of an operation's path, in order. */
export function pathParameters({ route }: Pick<Operation, "route">): string[] {
  return [...route.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
}

export function isRead({ impact }: Pick<Operation, "impact">): boolean {
  return impact === "read";
}

/** 201 where something came into being, else 200. */
export function statusOf({ creates }: Pick<Operation, "creates">, output: Json): 200 | 201 {
  return creates && output.duplicate !== true && output.created !== false ? 201 : 200;
}

/** `apiKeys` → `api-keys` (CLI) or `api_keys` (MCP). */
export function separated(name: string, separator: "-" | "_"): string {
  return name.replaceAll(/[A-Z]/g, (letter) => separator + letter.toLowerCase());
}
