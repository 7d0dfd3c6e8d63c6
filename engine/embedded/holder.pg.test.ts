import { describe, expect, test, vi } from "vitest";
import { kill, query, useEmbedded } from "../testing/embedded.ts";

const { start, startChild, postmaster, killGuards } = useEmbedded();

describe("the end of a user", () => {
  test("by kill -9 ends Postgres, and committed data is there at the next start", async () => {
    const child = await startChild();
    await query(child.url, "create table kept as select 7 as number");
    await kill(child.process);
    await vi.waitFor(async () => expect(await postmaster()).toBeUndefined(), 5_000);
    expect(await query((await start()).url, "select number from kept")).toEqual([{ number: 7 }]);
  });

  test("by kill -9 while Postgres shuts down does not keep the next start from working", async () => {
    const child = await startChild();
    await kill(child.process);
    const server = await start();
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test.runIf(process.platform === "linux")(
    "that took its guard along leaves an orphan, which is adopted",
    async () => {
      const child = await startChild();
      await query(child.url, "create table kept as select 7 as number");
      await killGuards();
      await kill(child.process);
      expect(await postmaster()).toBe(child.pid);
      const server = await start();
      expect(server).toMatchObject({ adopted: true, pid: child.pid, url: child.url });
      expect(await query(server.url, "select number from kept")).toEqual([{ number: 7 }]);
      await server.stop();
      expect(await postmaster()).toBeUndefined();
    },
  );

  test.runIf(process.platform === "linux")("still ends Postgres when its guard was killed", async () => {
    const server = await start();
    await killGuards();
    await server.stop();
    expect(await postmaster()).toBeUndefined();
  });

  test("leaves Postgres to the users that remain; the last one ends it", async () => {
    const first = await start();
    const second = await startChild();
    const third = await start();
    expect([second.adopted, third.adopted]).toEqual([true, true]);
    await first.stop();
    await kill(second.process);
    expect(await query(third.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await third.stop();
    expect(await postmaster()).toBeUndefined();
  });
});

test("Postgres killed under its user comes back at the same address with what was committed", async () => {
  const server = await start();
  await query(server.url, "create table kept as select 7 as number");
  const before = server.pid;
  process.kill(before, "SIGKILL");
  await vi.waitFor(
    async () => expect(await query(server.url, "select number from kept")).toEqual([{ number: 7 }]),
    {
      timeout: 15_000,
      interval: 50,
    },
  );
  await vi.waitFor(() => expect(server.pid).not.toBe(before));
});
