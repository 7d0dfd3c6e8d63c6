// The broker in BullMQ's terms. A wake-up is a job that says which queue has work; its id is the queue, so one
// that is still waiting is not doubled.

import type { JobsOptions, QueueOptions, WorkerOptions } from "bullmq";
import type { Log } from "../log.ts";
import type { Broker, BrokerHealth, WaitingRoom } from "./broker.ts";
import { createCoalescer } from "./coalescer.ts";
import { type Reachability, trackReachability } from "./reachability.ts";

/** As much of BullMQ's Queue and Worker as is used here, whatever they run on. */
type Watched = {
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
};
export type TicketQueue = Watched & {
  addBulk(jobs: Ticket[]): Promise<unknown>;
};
export type TicketWorker = Watched & {
  on(event: "completed", listener: (job: Pick<Ticket, "data">) => void): unknown;
};
type Ticket = { name: string; data: { uid?: number }; opts: JobsOptions };

/** What differs between Redis and Postgres. */
export type Backend = {
  openQueue(name: string, options: Omit<QueueOptions, "connection">): TicketQueue;
  openWorker(
    name: string,
    processor: (ticket: Pick<Ticket, "data">) => Promise<void>,
    options: Omit<WorkerOptions, "connection">,
  ): TicketWorker;
  health(reachability: Reachability): Promise<BrokerHealth>;
  /** Tells of every change of the connections. */
  watch(reachability: Reachability): void;
  close(): Promise<void>;
};

/** At most one wake-up per queue in this time: a worker that is awake looks for itself. */
const gapMs = 10;
const lanes = 4;
/** A process that dies with a wake-up in hand holds back those of the same queue for no longer than twice this. */
const lockMs = 5000;
/** Waiting rooms whose BullMQ queue is kept at hand. */
const mostRooms = 1000;
const closeWithinMs = 2000;

const once = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;
/** Nobody reads BullMQ's stream of events. */
const quiet = { streams: { events: { maxLen: 10 } } };

export function createBullmqBroker(backend: Backend, installation: string, log: Log): Broker {
  const reachability = trackReachability(log);
  backend.watch(reachability);
  const prefix = `{rotor-${installation}}`;
  const rooms = createRooms(backend, reachability, log);
  let wakes: TicketQueue | undefined;
  let worker: TicketWorker | undefined;

  const wakeUps = createCoalescer<number>(async (uids) => {
    wakes ??= watched(backend.openQueue("wake", { prefix, ...quiet }), log);
    const jobs = uids.map((uid) => ({ name: "wake", data: { uid }, opts: { jobId: `q${uid}`, ...once } }));
    await attempt(reachability, wakes.addBulk(jobs));
  }, gapMs);

  return {
    wake: wakeUps.add,
    onWake(listener) {
      const tell = ({ data }: Pick<Ticket, "data">) => listener([data.uid as number]);
      worker = watched(
        backend.openWorker("wake", async (ticket) => tell(ticket), { prefix, ...workerOptions }),
        log,
      );
      // Once more when it is removed: until then it hid those that came after it, and what they tell of may have
      // been too late for the first look at the ledger.
      worker.on("completed", (ticket) => {
        reachability.up();
        tell(ticket);
      });
    },
    waitingRoomOf: (workspaceId, queueName) => ({
      prefix: `{rotor-${installation}-${workspaceId}}`,
      queue: `pull-${workspaceId}-${queueName}`,
    }),
    announce: rooms.announce,
    health: () => backend.health(reachability),
    async close() {
      reachability.end();
      const queues = [...(wakes ? [wakes] : []), ...rooms.all()];
      await within(closeWithinMs, Promise.all([wakeUps.close(), rooms.close(), worker?.close()]));
      await within(closeWithinMs, Promise.all(queues.map((queue) => queue.close())));
      await backend.close();
    },
  };
}

const workerOptions = {
  concurrency: lanes,
  lockDuration: lockMs,
  stalledInterval: lockMs,
  maxStalledCount: 1000,
  runRetryDelay: 500,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
};

function createRooms(backend: Backend, reachability: Reachability, log: Log) {
  const queues = new Map<string, TicketQueue>();
  const waiting = new Map<string, WaitingRoom>();

  function queueOf({ prefix, queue: name }: WaitingRoom): TicketQueue {
    const known = queues.get(name);
    queues.delete(name);
    const queue = known ?? watched(backend.openQueue(name, { prefix, ...quiet }), log);
    queues.set(name, queue);
    if (queues.size > mostRooms) forgetOldest();
    return queue;
  }

  function forgetOldest(): void {
    const [[name, queue]] = queues as unknown as [[string, TicketQueue]];
    queues.delete(name);
    void queue.close().catch(() => {});
  }

  const tickets = createCoalescer<string>(async (names) => {
    const sent = names.flatMap((name) => waiting.get(name) ?? []);
    waiting.clear();
    await Promise.all(
      sent.map((room) =>
        attempt(
          reachability,
          queueOf(room).addBulk([{ name: "work", data: {}, opts: { jobId: "work", ...once } }]),
        ),
      ),
    );
  }, gapMs);

  return {
    announce(room: WaitingRoom): void {
      waiting.set(room.queue, room);
      tickets.add([room.queue]);
    },
    all: () => [...queues.values()],
    close: tickets.close,
  };
}

/** A message that cannot be sent is forgotten: whoever polls the ledger finds the work. */
async function attempt(reachability: Reachability, sending: Promise<unknown>): Promise<void> {
  try {
    await sending;
    reachability.up();
  } catch (error) {
    reachability.down(error);
  }
}

/** BullMQ reports trouble as events, and an event without a listener ends the process. Connections are watched apart. */
function watched<T extends Watched>(one: T, log: Log): T {
  one.on("error", (error) => log.debug({ err: error }, "broker"));
  return one;
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), limit]);
  clearTimeout(timer);
}
