// What goes over the wire when drives of one app check in.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { CheckpointAnswer, CheckpointMessage } from "@rotorsh/contract";
import { afterEach, expect, test } from "vitest";
import { messageBytes, outletTo } from "./outlet.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

type Reply = { status: number; answers?: CheckpointAnswer[] };

/** A server that answers a message when it is told to. */
async function receiver(reply: (message: CheckpointMessage) => Reply | Promise<Reply>) {
  const sizes: number[] = [];
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isPacked = request.headers["content-encoding"] === "gzip";
    const text = isPacked ? '{"checkpoints":[{}]}' : Buffer.concat(chunks).toString();
    const message = JSON.parse(text) as CheckpointMessage;
    sizes.push(message.checkpoints.length);
    const { status, answers } = await reply(message);
    response.writeHead(status).end(JSON.stringify({ answers }));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { outlet: outletTo(`http://127.0.0.1:${port}/`), sizes };
}

const kept: CheckpointAnswer = { status: 200, recorded: {} };
const all = ({ checkpoints }: CheckpointMessage) => ({ status: 200, answers: checkpoints.map(() => kept) });
const one = (token: string) => JSON.stringify({ token, steps: [] });

test("what is sent while two messages are under way shares the next one", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { outlet, sizes } = await receiver(async (message) => {
    await held;
    return all(message);
  });
  const first = outlet.send(one("1"));
  await expect.poll(() => sizes).toEqual([1]);
  const second = outlet.send(one("2"));
  await expect.poll(() => sizes).toEqual([1, 1]);
  const others = ["3", "4", "5"].map((token) => outlet.send(one(token)));
  release();
  expect(await Promise.all([first, second, ...others])).toEqual(["kept", "kept", "kept", "kept", "kept"]);
  expect(sizes).toEqual([1, 1, 3]);
});

test("a message that hangs holds up nobody, neither at once nor after another came back", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { outlet, sizes } = await receiver(async (message) => {
    if (message.checkpoints.length === 8) await held;
    return all(message);
  });
  const hanging = ["1", "2", "3", "4", "5", "6", "7", "8"].map((token) => outlet.send(one(token)));
  await expect.poll(() => sizes).toEqual([8]);
  for (const token of ["9", "10"]) expect(await outlet.send(one(token))).toBe("kept");
  release();
  expect(new Set(await Promise.all(hanging))).toEqual(new Set(["kept"]));
});

test("each is told its own fate", async () => {
  const error = { code: "X", message: "x" };
  const answers = [
    kept,
    { status: 200, recorded: { a: { ok: 1 } } },
    ...[409, 413, 503].map((status) => ({ status, error })),
  ];
  const { outlet } = await receiver(() => ({ status: 200, answers: answers as CheckpointAnswer[] }));
  const fates = await Promise.all(["1", "2", "3", "4", "5", "6"].map((token) => outlet.send(one(token))));
  expect(fates).toEqual(["kept", "refused", "lost", "refused", "again", "refused"]);
});

test("an answer that is none keeps nothing, and stops nobody", async () => {
  const answers = [5, null, "a", { status: 200 }, { recorded: null }] as unknown as CheckpointAnswer[];
  const { outlet } = await receiver(({ checkpoints }) =>
    checkpoints.length > 1 ? { status: 200, answers } : { status: 200, answers: [kept] },
  );
  const fates = await Promise.all(answers.map((_, index) => outlet.send(one(String(index)))));
  expect(fates).toEqual(answers.map(() => "refused"));
  expect(await outlet.send(one("6"))).toBe("kept");
});

test("a message that is not taken is the fate of all in it", async () => {
  let status = 503;
  const { outlet } = await receiver(() => ({ status }));
  expect(await Promise.all([outlet.send(one("1")), outlet.send(one("2"))])).toEqual(["again", "again"]);
  status = 413;
  expect(await outlet.send(one("3"))).toBe("refused");
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  expect(await outlet.send(one("4"))).toBe("again");
});

test("a message is measured in bytes, and not in characters", async () => {
  const { outlet, sizes } = await receiver(all);
  const half = JSON.stringify({ token: "1", steps: ["€".repeat(messageBytes / 5)] });
  await Promise.all([outlet.send(half), outlet.send(half)]);
  expect(sizes).toHaveLength(2);
});

test("large ones do not share a message", async () => {
  const { outlet, sizes } = await receiver(all);
  const large = JSON.stringify({ token: "1", steps: ["x".repeat(messageBytes)] });
  expect(await Promise.all([outlet.send(one("0")), outlet.send(large), outlet.send(large)])).toEqual([
    "kept",
    "kept",
    "kept",
  ]);
  expect(sizes).toEqual([1, 1, 1]);
});
