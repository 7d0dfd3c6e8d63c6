// Follows what the server tells, over as many connections as it takes.

import { isRotorError, type MessageOf, type Stream, type Streams, type StreamTree } from "@rotorsh/contract";
import type { Send } from "./http.ts";
import { type Describes, toRequest } from "./request.ts";
import { backoffMs } from "./retry.ts";

export type FollowOptions = { signal?: AbortSignal | undefined };

type Texts<Names extends readonly string[]> = { [Index in keyof Names]: string };

export type StreamOf<Of extends Stream> =
  Of extends Stream<infer _Input, infer _Message, infer Positionals>
    ? (
        ...args: [...Texts<Positionals>, options?: FollowOptions]
      ) => AsyncGenerator<MessageOf<Of>, void, undefined>
    : never;

export type StreamsOf<Tree extends StreamTree = Streams> = {
  readonly [Noun in keyof Tree]: { readonly [Verb in keyof Tree[Noun]]: StreamOf<Tree[Noun][Verb]> };
};

/** `rotor.runs.stream(id)` and its like. */
export function streamMethod(stream: Stream, send: () => Send): unknown {
  return (...args: unknown[]) => {
    const count = stream.positionals.length;
    const input = Object.fromEntries(stream.positionals.map((name, index) => [name, args[index]]));
    return follow(send(), stream, input, (args[count] as FollowOptions | undefined) ?? {});
  };
}

/** Attempts in a row that bring nothing, before it is an error. */
const mostFailures = 10;

/** Every message once, in order; ends when the server says that there is nothing more to come. */
export async function* follow<Of extends Stream>(
  send: Send,
  stream: Of,
  input: Record<string, unknown>,
  { signal }: FollowOptions = {},
): AsyncGenerator<MessageOf<Of>, void, undefined> {
  let cursor: string | undefined;
  for (let failures = 0; ; ) {
    try {
      const body = await send(requestOf(stream, { ...input, cursor }), async (response) => response.body, {
        signal,
      });
      if (!body) return;
      for await (const message of readEvents(body)) {
        failures = 0;
        cursor = message.id;
        yield JSON.parse(message.data) as MessageOf<Of>;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if ((isRotorError(error) && !error.retryable) || ++failures >= mostFailures) throw error;
      await new Promise((resolve) => setTimeout(resolve, backoffMs(failures, Math.random())));
    }
  }
}

function requestOf(stream: Stream, input: Record<string, unknown>) {
  return toRequest(stream as Describes, input);
}

type ServerEvent = { id: string; data: string };

/** As much of server-sent events as this server uses: one line of data, and an id with each. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const id = /^id: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (id !== undefined && data !== undefined) yield { id, data };
    }
  }
}
