// One POST and what comes of it, against receivers that answer.

import type { IncomingHttpHeaders } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { buildDevOutbound, buildOutbound, post } from "../testing/outbound.ts";
import { answering, receive, serve } from "../testing/receiver.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

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
    const outcome = await post(buildDevOutbound(), `${url}a/b?c=d#e`, {
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
    const server = await serve((_, response) => response.end("ok"));
    const outbound = buildDevOutbound();
    for (let i = 0; i < 20; i += 1) expect(await post(outbound, server.url)).toMatchObject({ status: 200 });
    expect(server.connections).toBe(1);
  });

  test("uses as many connections as are needed, and no more than allowed", async () => {
    const server = await serve((_, response) => setTimeout(() => response.end("ok"), 20));
    const outbound = buildDevOutbound();
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, () => post(outbound, server.url, { maxConnections: 4 })),
    );
    expect(outcomes.every((outcome) => outcome.kind === "response")).toBe(true);
    expect(server.connections).toBe(4);
  });

  test("that waits for a connection is over at its deadline, and is never sent", async () => {
    let requests = 0;
    const server = await serve((_, response) => {
      requests += 1;
      setTimeout(() => response.end("ok"), 300);
    });
    const outbound = buildDevOutbound();
    const [first, second] = await Promise.all([
      post(outbound, server.url, { maxConnections: 1 }),
      post(outbound, server.url, { maxConnections: 1, timeoutMs: 50 }),
    ]);
    expect(first).toMatchObject({ kind: "response" });
    expect(second).toMatchObject({
      kind: "timeout",
      message: "There was no complete connection within 50 ms.",
    });
    await pause(50);
    expect(requests).toBe(1);
    expect(await post(outbound, server.url, { maxConnections: 1 })).toMatchObject({ kind: "response" });
    expect(server.connections).toBe(1);
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
    expect(await post(buildDevOutbound(), receiver, { headers: { [name]: "1" } })).toMatchObject({
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
    expect(await post(buildDevOutbound(), receiver, { headers: { [name]: value } })).toMatchObject({
      kind: "refused",
    });
    expect(receiver.connections).toBe(0);
  });

  test.each(["", "not a url", "//host/path", "http://", "http://[::1", "http://a b/"])(
    "to %j is refused",
    async (url) => {
      expect(await post(buildDevOutbound(), url)).toMatchObject({ kind: "refused" });
    },
  );

  test("cannot end its line early by its path", async () => {
    const receiver = await receive(answering(ok));
    await post(buildDevOutbound(), `http://127.0.0.1:${receiver.port}/a b\r\nx: y?q=\r\n\r\n`);
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
    const outcome = await post(buildDevOutbound(), receiver);
    expect(outcome).toMatchObject({ status: 503 });
    const { retryAfterMs = Number.NaN } = outcome as { retryAfterMs?: number };
    expect(Math.abs(retryAfterMs - expected)).toBeLessThan(5000);
  });

  test("is stored up to the limit, and the connection lives on", async () => {
    const server = await serve((_, response) => response.end("ä".repeat(500_000)));
    const outbound = buildDevOutbound();
    const outcome = await post(outbound, server.url);
    // Cut between two bytes of a character, were it not for whole characters.
    expect(outcome).toMatchObject({ body: "ä".repeat(32_768), truncated: true });
    expect(await post(outbound, server.url, { maxResponseBytes: 11 })).toMatchObject({ body: "ä".repeat(5) });
    expect(server.connections).toBe(1);
  });

  test("is stored without what Postgres refuses in text", async () => {
    const bytes = Buffer.from([0x61, 0x00, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x62]);
    const { url } = await serve((_, response) => response.end(bytes));
    const outcome = await post(buildDevOutbound(), url);
    expect(outcome).toMatchObject({ body: "a\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFDb", truncated: false });
  });

  test("that is compressed is a note, never unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const { url } = await serve((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(bomb);
    });
    const outcome = await post(buildDevOutbound(), url);
    expect(outcome).toMatchObject({ status: 200, body: "[not stored: gzip encoded body]", truncated: true });
  });

  test("before which the receiver sends hints is the one after them", async () => {
    const receiver = await receive(answering(`HTTP/1.1 103 Early Hints\r\nretry-after: 5\r\n\r\n${ok}`));
    const outcome = await post(buildDevOutbound(), receiver);
    expect(outcome).toMatchObject({ status: 200, body: "ok" });
    expect(outcome).not.toHaveProperty("retryAfterMs");
  });

  test("that ends with the connection is complete", async () => {
    const receiver = await receive((socket) => {
      socket.once("data", () => socket.end(`${head}connection: close\r\n\r\nto the end`));
    });
    expect(await post(buildDevOutbound(), receiver)).toMatchObject({ kind: "response", body: "to the end" });
  });
});

describe("the deadline", () => {
  test("covers the making of the connection: what comes after it is not sent", async () => {
    const receiver = await receive(answering(ok));
    const outbound = buildOutbound({
      rules: { allow: ["hooks.example"] },
      lookup: (_, done) => void setTimeout(() => done(null, [{ address: "127.0.0.1", family: 4 }]), 150),
    });
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
    const outbound = buildDevOutbound();
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
    const outbound = buildOutbound({ lookup: () => {} });
    await post(outbound, "https://hooks.example/", { timeoutMs: 20 });
    const startedAt = performance.now();
    await outbound.close();
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});

test("where gzip is asked for it is unpacked, within the limit and no further", async () => {
  const answer = (body: Buffer) =>
    serve((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(body));
  const sent = async (body: Buffer) =>
    post(buildDevOutbound(), (await answer(body)).url, { gzip: true, maxResponseBytes: 1000 });
  expect(await sent(gzipSync("grüß dich"))).toMatchObject({
    status: 200,
    body: "grüß dich",
    truncated: false,
  });
  for (const hostile of [gzipSync(Buffer.alloc(10_000_000)), Buffer.from("not gzip")]) {
    expect(await sent(hostile)).toMatchObject({ body: "[not stored: gzip encoded body]", truncated: true });
  }
});
