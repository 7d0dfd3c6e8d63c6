// Streams of the contract: who may follow what, how many at once, and what they are told.

import {
  parseInput,
  RotorError,
  type Stream,
  type Streams,
  type StreamTree,
  streams,
} from "@rotorsh/contract";
import type { Caller } from "./caller.ts";
import type { Services } from "./handler.ts";
import { must } from "./must.ts";
import { fromCursor, toCursor } from "./store/changes.ts";
import { findRun } from "./store/runs.ts";
import type { Watch } from "./watch.ts";

export type Message = { cursor: string; data: Record<string, unknown> };

/** Opens a stream for a caller, from a cursor of an earlier one or from the beginning; refuses before the first message. */
export type OpenStream = (
  caller: Caller,
  stream: Stream,
  input: unknown,
  options: { cursor?: string | undefined; signal: AbortSignal },
) => Promise<AsyncGenerator<Message, void, undefined>>;

type Follow = (
  input: never,
  options: { workspaceId: string; services: Services; cursor: string | undefined; signal: AbortSignal },
) => Promise<AsyncGenerator<Message, void, undefined>>;

/** One for each stream of the contract: without it this does not compile. */
const handlers: { [Noun in keyof Streams]: { [Verb in keyof Streams[Noun]]: Follow } } = {
  runs: {
    async stream({ id }: { id: string }, { workspaceId, services, cursor, signal }) {
      const snapshot = cursor === undefined ? null : fromCursor(cursor);
      if (!(await findRun(services.databases.engine, workspaceId, id)))
        throw new RotorError("RUN_NOT_FOUND", { id });
      return toMessages(services.workflows.feed.follow({ workspaceId, id }, snapshot, signal));
    },
  },
};

const mostOfProcess = 1000;
/** The longest of an access token, which nobody takes back: who still may comes again. */
const longestMs = 15 * 60_000;

/** How many a workspace may have at once, the watch says. */
export function createOpenStream(services: Services, watch: Watch): OpenStream {
  let open = 0;
  return async (caller, stream, input, { cursor, signal }) => {
    if (!caller.permissions.has(stream.needs)) throw new RotorError("FORBIDDEN", { needs: stream.needs });
    if (caller.tier === "queue") throw new RotorError("KEY_TIER_REFUSED");
    const parsed = parseInput(stream.input, input);
    const workspaceId = must(caller.workspace, "a workspace").id;
    if (open >= mostOfProcess) throw new RotorError("TOO_MANY_STREAMS", { limit: mostOfProcess });
    open += 1;
    let leave = () => {};
    try {
      // Who may do other things than before is cut off, and told so when coming again.
      const changed = new AbortController();
      leave = await watch.start([{ workspaceId, kind: "caller", id: caller.actorId }], () => changed.abort());
      const over = AbortSignal.any([signal, changed.signal, AbortSignal.timeout(longestMs)]);
      const follow = handlerOf(stream);
      const messages = await follow(parsed as never, { workspaceId, services, cursor, signal: over });
      return counted(messages, over, () => {
        leave();
        open -= 1;
      });
    } catch (error) {
      leave();
      open -= 1;
      throw error;
    }
  };
}

/** Given back once, however it ends; also when nobody ever asks for its first message. */
async function* counted(
  messages: AsyncGenerator<Message, void, undefined>,
  over: AbortSignal,
  giveBack: () => void,
): AsyncGenerator<Message, void, undefined> {
  let isOpen = true;
  const end = () => {
    if (isOpen) giveBack();
    isOpen = false;
  };
  over.addEventListener("abort", end, { once: true });
  try {
    yield* messages;
  } finally {
    end();
  }
}

async function* toMessages<Data extends Record<string, unknown>>(
  changes: AsyncGenerator<{ snapshot: string; message: Data }, void, undefined>,
): AsyncGenerator<Message, void, undefined> {
  for await (const { snapshot, message } of changes) yield { cursor: toCursor(snapshot), data: message };
}

function handlerOf(stream: Stream): Follow {
  const tree = streams as unknown as StreamTree;
  for (const [noun, verbs] of Object.entries(tree)) {
    for (const [verb, one] of Object.entries(verbs)) {
      if (one !== stream) continue;
      return (handlers as unknown as Record<string, Record<string, Follow>>)[noun]?.[verb] as Follow;
    }
  }
  throw new Error(`There is no stream ${stream.route}`);
}
