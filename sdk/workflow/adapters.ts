// How requests reach the endpoint, framework by framework. The frameworks are known by their shape alone, so that
// none of them is a dependency.

import type { IncomingMessage, ServerResponse } from "node:http";
import { headerOf } from "../headers.ts";
import { type AppRequest, createEndpoint, type Endpoint, type ServeOptions } from "./endpoint.ts";
import { Refusal } from "./refusal.ts";
import { largestBodyBytes } from "./signed-request.ts";
import type { Undescribed } from "./types.ts";

const defaultPath = "/api/rotor";
const methods = ["GET", "POST", "PUT"] as const;
/** Large requests may come in gzip. */
const answerHeaders = { "content-type": "application/json", "accept-encoding": "gzip" };

type FetchHandler = (request: Request) => Promise<Response>;
type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

type HonoApp = {
  fetch: unknown;
  all(path: string, handler: (context: { req: { raw: Request } }) => Promise<Response>): unknown;
};
type ExpressApp = { use(path: string, handler: NodeListener): unknown; listen: unknown };
type FastifyRequest = { body: unknown; raw: IncomingMessage };
type FastifyReply = {
  raw: ServerResponse;
  code(status: number): { headers(headers: object): { send(body: string): unknown } };
};
type FastifyScope = {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    options: { parseAs: "buffer"; bodyLimit: number },
    parse: (request: never, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): unknown;
  route(route: {
    method: "GET" | "POST" | "PUT";
    url: string;
    handler: (request: never, reply: never) => Promise<unknown>;
  }): unknown;
};
type FastifyApp = {
  register(plugin: (scope: Undescribed) => Promise<void>): unknown;
  addContentTypeParser: unknown;
};

/**
 * Serves workflows from a Hono, Express or Fastify app, at `/api/rotor` unless told otherwise. In Express, call it
 * before `express.json()`.
 */
export function serveWorkflow(app: HonoApp | ExpressApp | FastifyApp, options: ServeOptions): void {
  const path = options.path ?? defaultPath;
  if (isFastify(app)) serveFastify(app, path, createEndpoint(options));
  else if (isHono(app)) {
    const handle = toFetchHandler(createEndpoint(options));
    app.all(path, ({ req }) => handle(req.raw));
  } else if (isExpress(app)) app.use(path, toNodeListener(createEndpoint(options)));
  else {
    throw new TypeError(
      "serveWorkflow takes a Hono, Express or Fastify app. For others there are workflowHandler (Request → Response), workflowRoute (Next.js) and workflowListener (node:http).",
    );
  }
}

/** Serves workflows as a plain `Request → Response` function. */
export function workflowHandler(options: ServeOptions): FetchHandler {
  return toFetchHandler(createEndpoint(options));
}

/** Serves workflows from a Next.js route: `export const { GET, POST, PUT } = workflowRoute({ functions })`. */
export function workflowRoute(options: ServeOptions): Record<(typeof methods)[number], FetchHandler> {
  const handle = workflowHandler(options);
  return { GET: handle, POST: handle, PUT: handle };
}

/** Serves workflows from `node:http`: `createServer(workflowListener({ functions }))`. */
export function workflowListener(options: ServeOptions): NodeListener {
  return toNodeListener(createEndpoint(options));
}

function isFastify(app: object): app is FastifyApp {
  return "addContentTypeParser" in app && "register" in app;
}

function isHono(app: object): app is HonoApp {
  return "fetch" in app && "all" in app;
}

function isExpress(app: object): app is ExpressApp {
  return "use" in app && "listen" in app;
}

function toFetchHandler(endpoint: Endpoint): FetchHandler {
  return async (request) => {
    // Asked for at once: some servers only notice a closed connection for who wants to know.
    const { signal } = request;
    const { status, body } = await endpoint({
      method: request.method,
      url: forwarded(request.url, headerOf(request.headers, "x-forwarded-proto")),
      headers: request.headers,
      readBody: (most) => readStream(request.bodyUsed ? undefined : request.body, most),
      isGone: () => signal.aborted,
    });
    return new Response(body, { status, headers: answerHeaders });
  };
}

function toNodeListener(endpoint: Endpoint): NodeListener {
  return (request, response) => {
    void endpoint(fromNode(request, response)).then(({ status, body }) => {
      if (response.destroyed) return;
      response.writeHead(status, { ...answerHeaders, "content-length": Buffer.byteLength(body) }).end(body);
    });
  };
}

type Parsed = { body?: unknown; rawBody?: unknown; originalUrl?: string };

function fromNode(
  request: IncomingMessage & Parsed,
  response: ServerResponse,
  parsed: Parsed = request,
): AppRequest {
  const { headers, method = "GET" } = request;
  const url = `http://${headers.host ?? "localhost"}${request.originalUrl ?? request.url ?? "/"}`;
  return {
    method,
    url: forwarded(
      url,
      headerOf(headers, "x-forwarded-proto") ?? ("encrypted" in request.socket ? "https" : undefined),
    ),
    headers,
    readBody: async (most) => rawOf(parsed) ?? readNode(request, most),
    isGone: () => response.destroyed && !response.writableFinished,
  };
}

/** What a parser in front has kept of the body, if it is what was received. */
function rawOf({ rawBody, body }: Parsed): Uint8Array | undefined {
  for (const kept of [rawBody, body]) {
    if (kept instanceof Uint8Array) return kept;
    if (typeof kept === "string") return Buffer.from(kept);
  }
  return undefined;
}

async function readStream(
  stream: AsyncIterable<Uint8Array> | null | undefined,
  most: number,
): Promise<Uint8Array> {
  if (stream === undefined) throw alreadyRead();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    bytes += chunk.length;
    if (bytes > most) throw tooLarge(most);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The same of a request of Node, whose events cost a fraction of its iterator. */
function readNode(request: IncomingMessage, most: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (request.readableEnded) return reject(alreadyRead());
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > most) reject(tooLarge(most));
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => {
      if (!request.complete) reject(new Refusal(400, "The request broke off."));
    });
  });
}

function alreadyRead(): Refusal {
  return new Refusal(
    500,
    "The body was read before it came here, and its signature needs the bytes as they arrived. In Express, call serveWorkflow before express.json().",
  );
}

const tooLarge = (most: number) => new Refusal(413, `The body is larger than ${most / 1024 / 1024} MB.`);

/** Behind a proxy that speaks TLS, this process sees plain HTTP. */
function forwarded(url: string, protocol: string | undefined): string {
  return protocol?.split(",")[0]?.trim() === "https" ? url.replace(/^http:/, "https:") : url;
}

function serveFastify(app: FastifyApp, path: string, endpoint: Endpoint): void {
  const handler = async ({ body, raw }: FastifyRequest, reply: FastifyReply) => {
    const { status, body: answer } = await endpoint(fromNode(raw, reply.raw, { body: body ?? "" }));
    return reply.code(status).headers(answerHeaders).send(answer);
  };
  app.register(async (scope: FastifyScope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: largestBodyBytes }, (_, body, done) =>
      done(null, body),
    );
    for (const method of methods) scope.route({ method, url: path, handler });
  });
}
