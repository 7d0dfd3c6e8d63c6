// The client's methods, derived from the contract: an operation added there is a typed method here.

import {
  type Call,
  type CallOptions,
  type InputOf,
  type Json,
  listOperations,
  type Operation,
  type OperationTree,
  type OutputOf,
} from "@rotorsh/contract";

type PositionalsOf<Op extends Operation> =
  Op extends Operation<infer _Input, infer _Output, infer Positionals> ? Positionals : never;

type Leading<Input, Names extends readonly string[]> = {
  [Index in keyof Names]: Names[Index] extends keyof Input ? Input[Names[Index]] : never;
};

/** The last argument may be left out when nothing in it is required. */
type Last<Rest> =
  Record<never, never> extends Rest
    ? [rest?: Rest, options?: CallOptions]
    : [rest: Rest, options?: CallOptions];

type Arguments<Input, Names extends readonly string[]> = [
  ...Leading<Input, Names>,
  ...Last<Omit<Input, Names[number]>>,
];

type Invoke<Input, Output, Names extends readonly string[]> = Names extends readonly []
  ? (...args: Last<Input>) => Promise<Output>
  : {
      (...args: Arguments<Input, Names>): Promise<Output>;
      (input: Input, options?: CallOptions): Promise<Output>;
    };

type ItemOf<Output> = {
  [Key in keyof Output]: Output[Key] extends readonly (infer Item)[] ? Item : never;
}[keyof Output];

/** Walks a list to its end, fetching page after page as needed. */
type Walk<Input, Output, Names extends readonly string[]> = Output extends { nextCursor: string | null }
  ? {
      all(...args: Arguments<Omit<Input, "cursor">, Names>): AsyncGenerator<ItemOf<Output>, void, undefined>;
    }
  : unknown;

export type MethodOf<Op extends Operation> = Invoke<InputOf<Op>, OutputOf<Op>, PositionalsOf<Op>> &
  Walk<InputOf<Op>, OutputOf<Op>, PositionalsOf<Op>>;

type AliasOf<Op extends Operation> =
  Op extends Operation<infer _Input, infer _Output, infer _Names, infer Aliases> ? Aliases[number] : never;

type NounOf<Verbs extends Record<string, Operation>> = {
  readonly [Verb in keyof Verbs]: MethodOf<Verbs[Verb]>;
} & { readonly [Verb in keyof Verbs as AliasOf<Verbs[Verb]>]: MethodOf<Verbs[Verb]> };

export type ClientOf<Tree extends OperationTree> = {
  readonly [Noun in keyof Tree]: NounOf<Tree[Noun]>;
};

export function createClient<Tree extends OperationTree>(tree: Tree, call: Call): ClientOf<Tree> {
  const client: Record<string, Record<string, unknown>> = {};
  for (const { noun, verb, operation } of listOperations(tree)) {
    const method = createMethod(operation, call);
    const names = [verb, ...(operation.aliases ?? [])];
    client[noun] = { ...client[noun], ...Object.fromEntries(names.map((name) => [name, method])) };
  }
  return client as ClientOf<Tree>;
}

function createMethod(operation: Operation, call: Call): unknown {
  const invoke = async (...args: unknown[]): Promise<Json> => {
    const { input, options } = readArguments(operation, args);
    return call(operation, input, options);
  };
  if (!("nextCursor" in operation.output.shape)) return invoke;
  const all = (...args: unknown[]) => {
    const { input, options } = readArguments(operation, args);
    return walk(operation, call, input, options);
  };
  return Object.assign(invoke, { all });
}

async function* walk(operation: Operation, call: Call, input: Json, options: CallOptions | undefined) {
  let cursor: unknown;
  do {
    const page = await call(operation, cursor === undefined ? input : { ...input, cursor }, options);
    yield* Object.values(page).find(Array.isArray) ?? [];
    // A server that repeated a cursor would keep the caller here for ever.
    cursor = page.nextCursor === cursor ? null : page.nextCursor;
  } while (typeof cursor === "string");
}

type Called = { input: Json; options: CallOptions | undefined };

/** `get("emails", rest?, options?)` or `get({ name: "emails" }, options?)`. */
function readArguments({ positionals = [] }: Operation, args: unknown[]): Called {
  if (positionals.length === 0 || isObject(args[0])) {
    const [input, options] = args as [Json?, CallOptions?];
    return { input: input ?? {}, options };
  }
  const named = Object.fromEntries(positionals.map((name, index) => [name, args[index]]));
  const [rest, options] = args.slice(positionals.length) as [Json?, CallOptions?];
  return { input: { ...rest, ...named }, options };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
