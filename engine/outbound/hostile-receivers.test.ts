import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { buildDevOutbound, post } from "../testing/outbound.ts";
import { answering, receive, startReceiver } from "../testing/receiver.ts";

const head = "HTTP/1.1 200 OK\r\n";
const ok = `${head}content-length: 2\r\n\r\nok`;

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
    const outbound = buildDevOutbound();
    const startedAt = performance.now();
    const outcome = await post(outbound, receiver, { timeoutMs: 400 });
    expect(outcome.kind).toBe(kind);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(JSON.stringify(outcome)).not.toContain("127.0.0.1");
  });

  test("does not cost memory, however much it sends", async () => {
    const endless = await receive(endlessly(`${head}\r\n`, filler));
    const zipped = await receive(endlessly(`${head}content-encoding: gzip\r\n\r\n`, filler));
    const outbound = buildDevOutbound();
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
    const outbound = buildDevOutbound();
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
    expect(await post(buildDevOutbound(), receiver)).toMatchObject({
      kind: "connection",
      message: "The connection was refused.",
    });
  });
});
