// `subscriptions/listen`: a stream that says which resources have changed, and nothing of what they are. Addresses
// are the same in every workspace, so each stream hears its own workspace's changes only.

import {
  type AuthInfo,
  createMcpHandler,
  InMemoryServerEventBus,
  type McpServerFactory,
} from "@modelcontextprotocol/server";
import { type Json, RotorError } from "@rotorsh/contract";
import { resourceAt } from "./resources.ts";

/**
 * Resolves once every later change of these resources will be told, and, as `over`, that the bearer may not be told any
 * more; answers what ends it.
 */
export type Watch = (
  things: readonly { kind: string; id: string }[],
  changed: (index: number) => void,
  over: () => void,
) => Promise<() => void>;

type Given = { authInfo: AuthInfo; parsedBody?: unknown };

export type Listeners = {
  fetch(request: Request, given: Given, watch: Watch, params: unknown): Promise<Response>;
  close(): void;
};

const mostStreams = 1000;
const mostUris = 100;
/** Then the client listens again, with a key that is checked again. */
const longestMs = 5 * 60 * 1000;

export function createListeners(factory: McpServerFactory): Listeners {
  const open = new Set<() => void>();

  return {
    async fetch(request, given, watch, params) {
      if (open.size >= mostStreams) throw new RotorError("UNAVAILABLE");
      const uris = watchedUris(params);
      const bus = new InMemoryServerEventBus();
      const handler = createMcpHandler(factory, { bus });
      const unwatch = await watch(
        uris.map(({ kind, id }) => ({ kind, id })),
        (index) => handler.notify.resourceUpdated((uris[index] as Watched).uri),
        () => end(),
      );
      const timer = setTimeout(() => end(), longestMs);
      timer.unref();
      const end = () => {
        clearTimeout(timer);
        unwatch();
        open.delete(end);
        void handler.close();
      };
      open.add(end);
      const response = await handler.fetch(request, given);
      if (!response.body) end();
      return whenDone(response, end);
    },
    close() {
      for (const end of [...open]) end();
    },
  };
}

type Watched = { uri: string; kind: string; id: string };

function watchedUris(params: unknown): Watched[] {
  const { resourceSubscriptions: asked } = ((params as Json | undefined)?.notifications ?? {}) as Json;
  if (!Array.isArray(asked)) return [];
  return asked.slice(0, mostUris).flatMap((uri: unknown) => {
    const at = typeof uri === "string" ? resourceAt(uri) : undefined;
    return at ? [{ uri: uri as string, kind: at.resource.name, id: at.value }] : [];
  });
}

/** Tidies up when the stream ends, whoever ends it. */
function whenDone(response: Response, end: () => void): Response {
  const reader = response.body?.getReader();
  if (!reader) return response;
  const body = new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
