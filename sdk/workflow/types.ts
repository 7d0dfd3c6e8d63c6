// What authors of workflows write and get.

import type { DriveEvent } from "@rotorsh/contract";

/** What nobody described may be used as anything; `unknown` would ask for a cast at every field. */
// biome-ignore lint/suspicious/noExplicitAny: the author knows the shape.
export type Undescribed = any;

/** Event names and the shape of their data, where `Rotor<{ "user.created": { userId: string } }>` describes none. */
export type AnyEvents = Record<string, Undescribed>;

export type Trigger =
  | { event: string /** Only events for which this expression is true. */; filter?: string }
  | { cron: string; timezone: string };

export type Logger = {
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};

export type WorkflowEvent<Data = Undescribed> = Omit<DriveEvent, "data"> & { data: Data };

export type HookContext = { runId: string; functionId: string; attempt: number };

export type Hooks<Output = unknown> = {
  /** After the run has completed, once. */
  onSuccess?: (args: { ctx: HookContext; result: Output; event: WorkflowEvent }) => unknown;
  /** After the last attempt has failed. */
  onFailure?: (args: { ctx: HookContext; error: Error; event: WorkflowEvent }) => unknown;
  /** After the run was cancelled, if it had started. */
  onCancel?: (args: { ctx: HookContext; event: WorkflowEvent }) => unknown;
};

export type FunctionOptions<Output = unknown> = Hooks<Output> & {
  /** Unique in the workspace. */
  id: string;
  name?: string;
  trigger: Trigger;
  /** Attempts after the first, of each step and of the function; default 3. */
  retries?: number;
};

export type StepTools = {
  /** Runs a function once: its result is stored, and every replay gets that. */
  run<T>(id: string, work: () => T | Promise<T>): Promise<Stored<T>>;
  /** Runs each function as a durable step of its own, at the same time. */
  parallel<const T extends readonly (() => unknown)[]>(
    id: string,
    works: T,
  ): Promise<{ -readonly [I in keyof T]: Stored<Awaited<ReturnType<T[I]>>> }>;
  sleep(id: string, duration: string): Promise<void>;
  /** Milliseconds since 1970, a Date, or an ISO time. */
  sleepUntil(id: string, time: number | Date | string): Promise<void>;
  /** The data of the first matching event, or null when none came in time. */
  waitForEvent<T = Undescribed>(
    id: string,
    options: { event: string; match?: string; timeout: string },
  ): Promise<T | null>;
  /** The data the signal was completed with; throws SignalTimeoutError. */
  waitForSignal<T = Undescribed>(
    id: string,
    options: { signal: string; timeout: string; approval?: boolean; prompt?: string },
  ): Promise<T>;
  /** A person's decision; throws SignalTimeoutError. */
  waitForApproval<T = { approved: boolean; reason?: string }>(
    id: string,
    options: { signal?: string; timeout: string; prompt?: string },
  ): Promise<T>;
  /** Runs another workflow and waits for its result. */
  invoke<T = Undescribed>(
    id: string,
    options: { workflow: { id: string }; data: unknown; timeout: string },
  ): Promise<{ result: T; runId: string }>;
  /** Publishes an event; `ts` in the future publishes it then. */
  sendEvent(id: string, event: { name: string; data: unknown; ts?: number }): Promise<void>;
};

/** A value after it was stored as JSON. */
export type Stored<T> = T extends Date
  ? string
  : T extends undefined
    ? null
    : T extends (...args: never[]) => unknown
      ? never
      : T extends readonly unknown[]
        ? { -readonly [K in keyof T]: Stored<T[K]> }
        : T extends object
          ? { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: StoredField<T, K> }
          : T;

/** JSON has no undefined: such a field is absent, and reads as undefined again. */
type StoredField<T, K extends keyof T> =
  Record<never, never> extends Pick<T, K>
    ? Stored<Exclude<T[K], undefined>>
    : T[K] extends infer V
      ? V extends undefined
        ? undefined
        : Stored<V>
      : never;

export type Context<Data = unknown> = {
  event: WorkflowEvent<Data>;
  step: StepTools;
  runId: string;
  /** Of the function as a whole, from 1. */
  attempt: number;
  /** Says nothing while code is only replayed. */
  logger: Logger;
};

export type Handler<Data = unknown, Output = unknown> = (context: Context<Data>) => Output | Promise<Output>;

export type WorkflowFunction = {
  /** So that `step.invoke` takes the function itself, too. */
  readonly id: string;
  readonly options: FunctionOptions;
  readonly handler: Handler<never, unknown>;
};
