import { Agent, type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { addressProblem, listen, urlOf } from "./listen.ts";

/** Over connections that are kept and used again, as a load balancer does it. */
function ask(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { agent }, (response) => {
      response.resume();
      response.once("end", () => resolve(response));
    });
    asking.once("error", reject).end();
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("until it serves, everything is a 503 that says when to come back", async () => {
  const listener = await listen(0, "127.0.0.1");
  const response = await fetch(`${listener.url}/readyz`);
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  await listener.close(1000);
});

test("a drain answers what is under way, and lets go of clients that would go on asking", async () => {
  const listener = await listen(0, "127.0.0.1");
  listener.serve(async () => {
    await pause(100);
    return new Response("done");
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 5 });
  const first = await ask(listener.url, agent);
  expect(first.headers.connection).toBe("keep-alive");

  const last: (IncomingMessage | Error)[] = [];
  const busy = Array.from({ length: 5 }, async () => {
    for (;;) {
      const response = await ask(listener.url, agent).catch((error: Error) => error);
      last.push(response);
      if (response instanceof Error || response.headers.connection === "close") return;
    }
  });
  await pause(50);
  const started = performance.now();
  await listener.close(10_000);
  expect(performance.now() - started).toBeLessThan(2000);
  await Promise.all(busy);
  expect(last.map((answer) => (answer instanceof Error ? answer.message : answer.statusCode))).toEqual([
    200, 200, 200, 200, 200,
  ]);
  agent.destroy();
});

test("a request that does not end is cut off when the time is over", async () => {
  const listener = await listen(0, "127.0.0.1");
  listener.serve(() => new Promise(() => {}));
  const agent = new Agent();
  const stuck = ask(listener.url, agent).then(
    () => "answered",
    () => "cut off",
  );
  await pause(50);
  await listener.close(200);
  expect(await stuck).toBe("cut off");
});

test.each(["nosuch.invalid", "192.0.2.1", "2001:db8::1"])(
  "HOST=%s, which is no address of this machine, is said in one line",
  async (host) => {
    const error = await listen(0, host).catch((refused: unknown) => refused);
    expect(addressProblem(error, 8787, host)).toBe(
      `HOST: ${host} is not an address of this machine. Example: HOST=127.0.0.1`,
    );
  },
);

test("a port that is taken is not the address's fault", async () => {
  const listener = await listen(0, "127.0.0.1");
  const port = Number(new URL(listener.url).port);
  const error = await listen(port, "127.0.0.1").catch((refused: unknown) => refused);
  expect(addressProblem(error, port, "127.0.0.1")).toBeUndefined();
  await listener.close(0);
});

test("an IPv6 address stands in brackets", () => {
  expect(urlOf("::1", 8787)).toBe("http://[::1]:8787");
});
