// The ways into the store for everything about runs. Calls that arrive together share one statement or transaction;
// each is answered only when what it wrote is durable.

import type { Checkpoint, Memo } from "@rotorsh/contract";
import { createDriveSizes, type DriveSizes } from "./drive-sizes.ts";
import { createFeed, type Feed } from "./feed.ts";
import { auditHookErrors } from "./hook-audit.ts";
import { must } from "./must.ts";
import { type Allowance, withinQuota } from "./quota.ts";
import { createRunEnds, type RunEnds } from "./run-ends.ts";
import { type Access, commonAccess, type Database, type Databases, type Lane } from "./store/database.ts";
import {
  type NewEvent,
  type Published,
  publishDue,
  publishEvents,
  publishPlainly,
} from "./store/event-publish.ts";
import { createGroup } from "./store/group.ts";
import type { ClaimedRun } from "./store/run-claim.ts";
import { type DriveEnd, finishDrives, isSimple } from "./store/run-finish.ts";
import { insertRuns, type NewRun, nameDuplicates, type Started, type Take } from "./store/run-start.ts";
import { writeRuns } from "./store/run-writes.ts";
import { findOutcomes, type KeptStep, type SentStep } from "./store/step-records.ts";

export type Checkpointed =
  | { kind: "kept"; recorded: Record<string, Memo> }
  | { kind: "lease lost" }
  | { kind: "too large"; problem: string };

export type Workflows = {
  start(runs: readonly NewRun[], allowance: Allowance): Promise<Started[]>;
  publish(events: readonly NewEvent[], allowance: Allowance): Promise<Published[]>;
  checkpoint(body: Checkpoint): Promise<Checkpointed>;
  finish(end: DriveEnd): Promise<void>;
  /** How large the runs under way are. */
  sizes: DriveSizes;
  /** What happens to runs, for those who follow them. */
  feed: Feed;
  ends: RunEnds;
  /** Publishes stored events whose time has come. */
  publishDue(): Promise<void>;
  /** Says that there may be a run to drive. */
  wake(): void;
  onWake(listener: () => void): void;
  /** From now on this process drives runs itself. */
  setDriver(driver: Driver): void;
};

export type Driver = {
  /** How many more runs it can begin with now. */
  room(): number;
  leaseMs: number;
  drive(runs: readonly ClaimedRun[]): void;
};

const dueBatch = 200;

/** `tellOthers` says to other processes that there may be a run to drive, where this one drives none. */
export function createWorkflows(databases: Databases, tellOthers: () => void): Workflows {
  const { engine, sql, acrossByKeys } = databases;
  const laneAt = (lane: number) => must(databases.lanes[lane]);
  const listeners = new Set<() => void>();
  const wake = () => {
    for (const listener of listeners) listener();
    tellOthers();
  };
  let driver: Driver | undefined;
  /** Runs that the driver of this process can begin with at once are stored as taken already. */
  async function starting<T>(work: (take: Take) => Promise<T>): Promise<T> {
    const take: Take = { room: driver?.room() ?? 0, leaseMs: driver?.leaseMs ?? 0, taken: [] };
    const done = await work(take);
    driver?.drive(take.taken);
    return done;
  }
  const publishTogether = createGroup<Asked<NewEvent>, Published[]>(async (asked, lane) =>
    split(asked, await starting((take) => publishAll(allOf(asked), take, accessOf(asked), laneAt(lane)))),
  );
  async function publishAll(
    events: readonly NewEvent[],
    take: Take,
    access: Access,
    lane: Lane,
  ): Promise<Published[]> {
    const plain = await publishPlainly(lane.engine, events, take, access);
    // This process drives all that they started.
    if (plain && take.taken.length === plain.flatMap(({ runIds }) => runIds).length) return plain;
    const published = plain ?? (await acrossByKeys((db) => publishEvents(db, events, take), access));
    wake();
    return published;
  }
  /** They answer which of the drives still held their lease. */
  const finishTogether = createGroup<DriveEnd, boolean>(async (ends) => {
    const held = await acrossByKeys(async (db, now) => {
      const mine = await finishDrives(db, ends);
      await auditHookErrors(db, mine, now);
      return new Set(mine);
    });
    return ends.map((end) => held.has(end));
  });
  const feed = createFeed(engine);
  const ends = createRunEnds(engine);
  const sizes = createDriveSizes();
  const write = createGroup<Write, Written>(async (writes, lane) => {
    const sent = writes.map(({ steps }) => (steps ? toSent(steps) : []));
    const asked = writes.flatMap(({ start }) => start ?? []);
    const done = await starting((take) =>
      writeRuns(laneAt(lane).sql, {
        ...{ steps: sent.flat(), ends: writes.flatMap(({ end }) => end ?? []), runs: allOf(asked) },
        ...{ take, access: accessOf(asked) },
      }),
    );
    const kept = splitBy(
      sent.map(({ length }) => length),
      done.kept,
    );
    const started = split(asked, done.started).values();
    return writes.map(({ end, start }, index) => ({
      kept: must(kept[index]),
      isMine: end !== undefined && done.ended.has(`${end.run}.${end.token}`),
      started: start ? must(started.next().value) : [],
    }));
  });

  /** Which run a repeated key stands for is looked up apart: if that fails, nobody else's start does. */
  async function startTogether(runs: readonly NewRun[], access: Access): Promise<Started[]> {
    const { started } = await write({ start: { sent: runs, access } });
    await nameDuplicates(engine, runs, started);
    return started;
  }

  /** Something else may be known of a step than what came now: then that is the answer. */
  async function answerOf(sent: readonly SentStep[], kept: readonly KeptStep[]): Promise<Checkpointed> {
    if (kept.some(({ held }) => !held)) return { kind: "lease lost" };
    const known = sent.filter((_, index) => !kept[index]?.kept);
    const outcomes = known.length > 0 ? await findOutcomes(sql, known) : [];
    return { kind: "kept", recorded: Object.fromEntries(outcomes.map(({ key, outcome }) => [key, outcome])) };
  }

  async function publishAllDue(): Promise<void> {
    const [due] = await sql`select 1 from event where due_at <= (select rotor_now()) limit 1`;
    while (due && (await acrossByKeys((db) => publishDue(db, dueBatch))) > 0) wake();
  }

  /** What cannot be published now is published by the next round of whoever looks for due events. */
  function publishSoon(): void {
    publishAllDue().catch(() => {});
  }

  return {
    async start(runs, allowance) {
      const { quota, access } = allowance;
      const work = (db: Database, now: Date) => withinQuota(db, allowance, now, () => insertRuns(db, runs));
      const started = quota === null ? await startTogether(runs, access) : await acrossByKeys(work, access);
      if (started.some((one) => one.kind === "started" && !one.taken)) wake();
      return started;
    },
    async publish(events, allowance) {
      const { quota, access } = allowance;
      if (quota === null) return publishTogether({ sent: events, access });
      const published = await acrossByKeys(
        (db, now) => withinQuota(db, allowance, now, () => publishEvents(db, events)),
        access,
      );
      wake();
      return published;
    },
    sizes,
    async checkpoint(body) {
      const problem = sizes.add(body.token, body.steps)?.message;
      if (problem !== undefined) return { kind: "too large", problem };
      const { kept } = await write({ steps: body });
      const sent = toSent(body);
      feed.touch(new Set(sent.map(({ run }) => run)));
      if (body.steps.some(({ send }) => send)) publishSoon();
      return answerOf(sent, kept);
    },
    async finish(end) {
      const isMine = isSimple(end) ? (await write({ end })).isMine : await finishTogether(end);
      feed.touch([end.run]);
      if (isMine && (end.next.kind === "completed" || end.next.kind === "failed"))
        ends.tell(end.run, end.next);
      if (end.steps.some(({ send }) => send)) publishSoon();
      // Of most runs nobody is told, and nothing else is due with their end.
      if (end.hasHooks !== false || !isSimple(end)) wake();
    },
    publishDue: publishAllDue,
    feed,
    ends,
    wake,
    onWake: (listener) => listeners.add(listener),
    setDriver(made) {
      driver = made;
    },
  };
}

/** One of these. */
type Write = { steps?: Checkpoint; end?: DriveEnd; start?: Asked<NewRun> };
type Written = { kept: KeptStep[]; isMine: boolean; started: Started[] };

function toSent({ token: lease, steps }: Checkpoint): SentStep[] {
  const [run = "", token = ""] = lease.split(".");
  return steps.map((step) => ({ run, token, step }));
}

/** What one caller asks for, and what is to be checked of the caller. */
type Asked<Item> = { sent: readonly Item[]; access: Access };

const allOf = <Item>(asked: readonly Asked<Item>[]) => asked.flatMap(({ sent }) => sent);
const accessOf = (asked: readonly Asked<unknown>[]) => commonAccess(asked.map(({ access }) => access));

/** The results of all, back to those who asked. */
function split<Result>(asked: readonly Asked<unknown>[], results: readonly Result[]): Result[][] {
  return splitBy(
    asked.map(({ sent: { length } }) => length),
    results,
  );
}

function splitBy<Result>(lengths: readonly number[], results: readonly Result[]): Result[][] {
  let from = 0;
  return lengths.map((length) => {
    from += length;
    return results.slice(from - length, from);
  });
}
