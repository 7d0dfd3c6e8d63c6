// One POST and what comes of it, against receivers that answer and receivers that misbehave.

import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { answering, type Receiver, startReceiver } from "../testing/receiver.ts";
import { createOutbound, type Outbound, type OutboundRequest } from "./http-client.ts";

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function build(): Outbound {
  const outbound = createOutbound({ rules: { httpToLoopback: true, allow: [] } });
  closers.push(() => outbound.close());
  return outbound;
}

async function receive(behave: (socket: Socket) => void): Promise<Receiver> {
  const receiver = await startReceiver(behave);
  closers.push(() => receiver.close());
  return receiver;
}

/** A well-behaved server. */
async function serve(listener: RequestListener): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer(listener).on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    connections: () => connections,
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function post(outbound: Outbound, url: string | Receiver, request: Partial<OutboundRequest> = {}) {
  const to = typeof url === "string" ? url : `http://127.0.0.1:${url.port}/`;
  return outbound.post({ url: to, headers: {}, body: "{}", timeoutMs: 2000, ...request });
}

const head = "HTTP/1.1 200 OK\r\n";
const ok = `${head}content-length: 2\r\n\r\nok`;

describe("a request", () => {
  test("arrives with exactly the bytes, headers and path that were given", async () => {
    const seen: { url?: string | undefined; headers?: IncomingHttpHeaders; body?: string } = {};
    const { url } = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      Object.assign(seen, {
        url: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      });
      response.writeHead(202, { "content-type": "text/plain" }).end("grüß dich");
    });
    const body = JSON.stringify({ name: "Zoë", emoji: "🦊" });
    const outcome = await post(build(), `${url}a/b?c=d#e`, {
      headers: { "content-type": "application/json", "X-Rotor-Job-Id": "job_1" },
      body,
    });
    expect(outcome).toEqual({
      kind: "response",
      status: 202,
      body: "grüß dich",
      truncated: false,
      durationMs: expect.any(Number),
    });
    expect(seen).toMatchObject({
      url: "/a/b?c=d",
      body,
      headers: {
        "content-type": "application/json",
        "x-rotor-job-id": "job_1",
        "content-length": String(Buffer.byteLength(body)),
        "accept-encoding": "identity",
      },
    });
  });

  test("keeps its connection for the next one", async () => {
    const { url, connections } = await serve((_, response) => response.end("ok"));
    const outbound = build();
    for (let i = 0; i < 20; i += 1) expect(await post(outbound, url)).toMatchObject({ status: 200 });
    expect(connections()).toBe(1);
  });

  test("uses as many connections as are needed, and no more than allowed", async () => {
    const { url, connections } = await serve((_, response) => setTimeout(() => response.end("ok"), 20));
    const outbound = build();
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, () => post(outbound, url, { maxConnections: 4 })),
    );
    expect(outcomes.every((outcome) => outcome.kind === "response")).toBe(true);
    expect(connections()).toBe(4);
  });

  test("that waits for a connection is over at its deadline, and is never sent", async () => {
    let requests = 0;
    const { url, connections } = await serve((_, response) => {
      requests += 1;
      setTimeout(() => response.end("ok"), 300);
    });
    const outbound = build();
    const [first, second] = await Promise.all([
      post(outbound, url, { maxConnections: 1 }),
      post(outbound, url, { maxConnections: 1, timeoutMs: 50 }),
    ]);
    expect(first).toMatchObject({ kind: "response" });
    expect(second).toMatchObject({
      kind: "timeout",
      message: "There was no complete connection within 50 ms.",
    });
    await pause(50);
    expect(requests).toBe(1);
    expect(await post(outbound, url, { maxConnections: 1 })).toMatchObject({ kind: "response" });
    expect(connections()).toBe(1);
  });

  test.each([
    "host",
    "Content-Length",
    "transfer-encoding",
    "connection",
    "Upgrade",
    "expect",
    "te",
    "trailer",
    "keep-alive",
    "accept-encoding",
  ])("cannot set the header %s", async (name) => {
    const receiver = await receive(answering(ok));
    expect(await post(build(), receiver, { headers: { [name]: "1" } })).toMatchObject({
      kind: "refused",
      message: `The header ${name.toLowerCase()} cannot be set.`,
    });
    expect(receiver.connections).toBe(0);
  });

  test.each([
    ["x-a", "1\r\nx-b: 2"],
    ["x-a", "1\nx-b: 2"],
    ["x-a", "1\rx-b: 2"],
    ["x-a", "1\0"],
    ["x-a", "č"],
    ["x-a\r\nx-b", "1"],
    ["x-a: 1\nx-b", "1"],
    ["x a", "1"],
    ["", "1"],
  ])("with the header %j: %j is refused", async (name, value) => {
    const receiver = await receive(answering(ok));
    expect(await post(build(), receiver, { headers: { [name]: value } })).toMatchObject({ kind: "refused" });
    expect(receiver.connections).toBe(0);
  });

  test.each(["", "not a url", "//host/path", "http://", "http://[::1", "http://a b/"])(
    "to %j is refused",
    async (url) => {
      expect(await post(build(), url)).toMatchObject({ kind: "refused" });
    },
  );

  test("cannot end its line early by its path", async () => {
    const receiver = await receive(answering(ok));
    await post(build(), `http://127.0.0.1:${receiver.port}/a b\r\nx: y?q=\r\n\r\n`);
    expect(receiver.received.split("\r\n")[0]).toBe("POST /a%20bx:%20y?q= HTTP/1.1");
    expect(receiver.received).not.toContain("\r\nx: y");
  });
});

describe("a response", () => {
  test.each([
    ["retry-after: 60", 60_000],
    ["retry-after: 0", 0],
    [`retry-after: ${new Date(Date.now() + 3_600_000).toUTCString()}`, 3_600_000],
    ["retry-after: Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ])("with %s says how long to wait", async (line, expected) => {
    const receiver = await receive(answering(`HTTP/1.1 503 Busy\r\n${line}\r\ncontent-length: 0\r\n\r\n`));
    const outcome = await post(build(), receiver);
    expect(outcome).toMatchObject({ status: 503 });
    const { retryAfterMs = Number.NaN } = outcome as { retryAfterMs?: number };
    expect(Math.abs(retryAfterMs - expected)).toBeLessThan(5000);
  });

  test("is stored up to the limit, and the connection lives on", async () => {
    const { url, connections } = await serve((_, response) => response.end("ä".repeat(500_000)));
    const outbound = build();
    const outcome = await post(outbound, url);
    // Cut between two bytes of a character, were it not for whole characters.
    expect(outcome).toMatchObject({ body: "ä".repeat(32_768), truncated: true });
    expect(await post(outbound, url, { maxResponseBytes: 11 })).toMatchObject({ body: "ä".repeat(5) });
    expect(connections()).toBe(1);
  });

  test("is stored without what Postgres refuses in text", async () => {
    const bytes = Buffer.from([0x61, 0x00, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x62]);
    const { url } = await serve((_, response) => response.end(bytes));
    const outcome = await post(build(), url);
    expect(outcome).toMatchObject({ body: "a\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFDb", truncated: false });
  });

  test("that is compressed is a note, never unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const { url } = await serve((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(bomb);
    });
    const outcome = await post(build(), url);
    expect(outcome).toMatchObject({ status: 200, body: "[not stored: gzip encoded body]", truncated: true });
  });

  test("before which the receiver sends hints is the one after them", async () => {
    const receiver = await receive(answering(`HTTP/1.1 103 Early Hints\r\nretry-after: 5\r\n\r\n${ok}`));
    const outcome = await post(build(), receiver);
    expect(outcome).toMatchObject({ status: 200, body: "ok" });
    expect(outcome).not.toHaveProperty("retryAfterMs");
  });

  test("that ends with the connection is complete", async () => {
    const receiver = await receive((socket) => {
      socket.once("data", () => socket.end(`${head}connection: close\r\n\r\nto the end`));
    });
    expect(await post(build(), receiver)).toMatchObject({ kind: "response", body: "to the end" });
  });
});

describe("a receiver that misbehaves", () => {
  const filler = Buffer.alloc(64 * 1024, "x");

  /** Writes for ever, as fast as it is read. */
  const endlessly = (start: string, chunk: Buffer | string) => (socket: Socket) => {
    socket.once("data", () => {
      socket.write(start);
      const more = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    });
  };

  const dripping = (start: string, drop: string) => (socket: Socket) => {
    socket.once("data", () => {
      socket.write(start);
      const timer = setInterval(() => socket.write(drop), 10);
      socket.on("close", () => clearInterval(timer));
    });
  };

  test.each([
    ["sends no answer", () => {}, "timeout"],
    ["sends its headers slowly", dripping(head, "x-a: 1\r\n"), "timeout"],
    ["sends its first line slowly", dripping("HTTP/1.1 200 ", "O"), "timeout"],
    ["sends its body slowly", dripping(`${head}content-length: 9999999\r\n\r\n`, "x"), "timeout"],
    ["sends hints for ever", dripping("", "HTTP/1.1 103 Early Hints\r\n\r\n"), "timeout"],
    ["sends headers for ever", endlessly(head, `x-a: ${filler.subarray(0, 1000)}\r\n`), "protocol"],
    ["sends one huge header", endlessly(`${head}x-a: `, filler), "protocol"],
    ["sends a body for ever", endlessly(`${head}\r\n`, filler), "protocol"],
    [
      "sends trailers for ever",
      endlessly(`${head}transfer-encoding: chunked\r\n\r\n0\r\n`, "x-a: 1\r\n".repeat(500)),
      "protocol",
    ],
    ["does not speak HTTP", answering("220 mail.example ESMTP\r\n"), "protocol"],
    ["sends two lengths", answering(`${head}content-length: 2\r\ncontent-length: 3\r\n\r\nok`), "protocol"],
    [
      "upgrades unasked",
      answering("HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
      "connection",
    ],
    ["resets the connection at once", (socket: Socket) => socket.resetAndDestroy(), "connection"],
    [
      "resets it instead of an answer",
      (s: Socket) => s.once("data", () => s.resetAndDestroy()),
      "connection",
    ],
    ["closes it instead of an answer", (s: Socket) => s.once("data", () => s.end()), "connection"],
    ["ends in its headers", (s: Socket) => s.once("data", () => s.end(`${head}x-a`)), "connection"],
    [
      "ends within the body it announced",
      (s: Socket) => s.once("data", () => s.end(`${head}content-length: 9\r\n\r\nok`)),
      "connection",
    ],
    [
      "ends within a chunk",
      (s: Socket) => s.once("data", () => s.end(`${head}transfer-encoding: chunked\r\n\r\n9\r\nok`)),
      "connection",
    ],
  ] as const)("and %s", async (_, behave, kind) => {
    const receiver = await receive(behave as (socket: Socket) => void);
    const outbound = build();
    const startedAt = performance.now();
    const outcome = await post(outbound, receiver, { timeoutMs: 400 });
    expect(outcome.kind).toBe(kind);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(JSON.stringify(outcome)).not.toContain("127.0.0.1");
  });

  test("does not cost memory, however much it sends", async () => {
    const endless = await receive(endlessly(`${head}\r\n`, filler));
    const zipped = await receive(endlessly(`${head}content-encoding: gzip\r\n\r\n`, filler));
    const outbound = build();
    const used = () => {
      const { heapUsed, external } = process.memoryUsage();
      return (heapUsed + external) / 1024 / 1024;
    };
    const before = used();
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, used());
    }, 5);
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.all(
        [endless, zipped, endless, zipped].map((receiver) => post(outbound, receiver)),
      );
      for (const outcome of outcomes) expect(outcome.kind).toBe("protocol");
    }
    clearInterval(timer);
    // 320 MB were received.
    expect(most - before).toBeLessThan(100);
  }, 20_000);

  test("leaves the connections usable for others", async () => {
    let calls = 0;
    const receiver = await receive((socket) => {
      socket.on("data", () => {
        calls += 1;
        if (calls % 3 === 0) socket.resetAndDestroy();
        else if (calls % 3 === 1) socket.write(ok);
      });
    });
    const outbound = build();
    const kinds: string[] = [];
    for (let i = 0; i < 9; i += 1) {
      const { kind } = await post(outbound, receiver, { timeoutMs: 100, maxConnections: 1 });
      kinds.push(kind);
    }
    expect(kinds).toEqual(Array(3).fill(["response", "timeout", "connection"]).flat());
  });

  test("nobody listening is a refused connection", async () => {
    const receiver = await startReceiver();
    await receiver.close();
    expect(await post(build(), receiver)).toMatchObject({
      kind: "connection",
      message: "The connection was refused.",
    });
  });
});

describe("the deadline", () => {
  test("covers the making of the connection: what comes after it is not sent", async () => {
    const receiver = await receive(answering(ok));
    const outbound = createOutbound({
      rules: { httpToLoopback: false, allow: ["hooks.example"] },
      lookup: (_, done) => void setTimeout(() => done(null, [{ address: "127.0.0.1", family: 4 }]), 150),
    });
    closers.push(() => outbound.close());
    const url = `http://hooks.example:${receiver.port}/`;
    expect(await post(outbound, url, { timeoutMs: 50 })).toMatchObject({ kind: "timeout" });
    await pause(200);
    expect(receiver.received).toBe("");
    expect(await post(outbound, url)).toMatchObject({ status: 200 });
  });
});

describe("closing", () => {
  test("waits for what is under way, and takes no more", async () => {
    const { url } = await serve((_, response) => setTimeout(() => response.end("ok"), 100));
    const outbound = build();
    const under = post(outbound, url);
    await pause(30);
    const closed = outbound.close();
    expect(await post(outbound, url)).toMatchObject({
      kind: "connection",
      message: "This server is stopping.",
    });
    await closed;
    expect(await under).toMatchObject({ kind: "response", status: 200 });
  });

  test("does not wait for connections that nobody waits for", async () => {
    const outbound = createOutbound({ rules: { httpToLoopback: false, allow: [] }, lookup: () => {} });
    await post(outbound, "https://hooks.example/", { timeoutMs: 20 });
    const startedAt = performance.now();
    await outbound.close();
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
