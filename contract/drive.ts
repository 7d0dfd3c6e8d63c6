// What server and app say to each other while a run is driven. The server sends what is known; the app runs the
// function until it ends or must wait, and tells each step that finishes.

export type StepKind = "run" | "sleep" | "event" | "signal" | "invoke" | "send";

/** An error as it travels and is stored. */
export type ErrorBody = { name: string; message: string; stack?: string; data?: Record<string, unknown> };

/** What is known of a step that has ended: every replay sees this. */
export type Memo = { ok: unknown } | { error: ErrorBody };

export type DriveEvent = { id: string; name: string; data: unknown; ts: number };

export type DriveRequest = {
  v: 1;
  run: {
    id: string;
    workflow: string /** Of the function as a whole, from 1. */;
    attempt: number;
    parent?: string;
  };
  event: DriveEvent;
  /** By step key. */
  steps: Record<string, Memo>;
  /** Attempts that failed already, by step key. */
  attempts: Record<string, number>;
  /** Keys of failed steps whose next attempt is not due: this drive does not execute them. */
  later?: string[];
  /** Where finished steps are sent, with the lease that must accompany them; null: return after each step. */
  checkpoint: { url: string; token: string } | null;
  /** Start no new step after so long. */
  budgetMs: number;
  /** The run has ended: call this hook instead of the function. */
  hook?: { name: HookName; result?: unknown; error?: ErrorBody };
};

/** What a function may ask to be told of its run's end. */
export type HookName = "onSuccess" | "onFailure" | "onCancel";

/** A step that has ended in this drive. */
export type StepRecord = {
  key: string;
  name: string;
  kind: StepKind;
  outcome: Memo;
  attempt: number;
  durationMs: number;
  /** With kind `send`: the event that the server publishes together with the record. */
  send?: { name: string; data: unknown; ts?: number };
};

/** What the run waits for; the server ends the step when it comes. */
export type Wait = { key: string; name: string } & (
  | { kind: "sleep"; until: number }
  | { kind: "sleep"; forMs: number }
  | { kind: "event"; event: string; match?: string; timeoutMs: number }
  | { kind: "signal"; signal: string; timeoutMs: number; approval?: { prompt?: string } }
  | { kind: "invoke"; workflow: string; data: unknown; timeoutMs: number }
  | { kind: "retry"; error: ErrorBody; attempt: number; durationMs: number; afterMs?: number }
  /** A step of `later` in the request: the server knows when it is due. */
  | { kind: "later" }
);

export type Retry = Extract<Wait, { kind: "retry" }>;

export type DriveResult = {
  /** Ended in this drive and not sent yet. */
  steps: StepRecord[];
  /** Keys that the code asked for; a memoised step that is not among them is reported, not an error. */
  asked: string[];
} & (
  | { state: "completed"; output: unknown }
  | { state: "failed"; error: ErrorBody; retryable: boolean; afterMs?: number }
  | { state: "waiting"; waits: Wait[] }
  /** The time or the way to check in has ended: call again. Steps that failed until then keep their time. */
  | { state: "yielded"; retries?: Retry[] }
  /** The lease is lost: somebody else drives the run, or nobody should. */
  | { state: "stopped" }
);

/** Steps of one drive that have ended, with the lease they were executed under. */
export type Checkpoint = { token: string; steps: StepRecord[] };

/** Drives of one app that have steps to send at the same time share a message. */
export type CheckpointMessage = { checkpoints: Checkpoint[] };

/** For each checkpoint of a message, in order. `recorded` holds what was known of a step before, and counts. */
export type CheckpointAnswer =
  | { status: 200; recorded: Record<string, Memo> }
  | { status: number; error: { code: string; message: string } };
