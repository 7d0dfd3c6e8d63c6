// What happens when a connection is opened. Nothing here leaves loopback: hostile names are resolved by the test,
// and connections to anywhere are made by the test's own dialler.

import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { hostileUrls } from "../testing/hostile-urls.ts";
import { buildOutbound, post, resolving } from "../testing/outbound.ts";
import { answering, receive } from "../testing/receiver.ts";
import { createGuardedConnector, type DialOptions, dial } from "./guard.ts";
import { createOutbound } from "./http-client.ts";

const publicAddress = "93.184.216.34";
const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("sending to hostile URLs", () => {
  test.each(hostileUrls)("%s is refused without dialling or resolving", async (url) => {
    let dialled = 0;
    const lookup = resolving([publicAddress]);
    const outbound = buildOutbound({
      lookup,
      connect: (options) => {
        dialled += 1;
        return dial(options);
      },
    });
    const outcome = await post(outbound, url);
    expect(outcome.kind).toBe("refused");
    expect(JSON.stringify(outcome)).not.toMatch(/\d+\.\d+\.\d+|::/);
    expect([dialled, lookup.calls]).toEqual([0, 0]);
  });
});

describe("names", () => {
  test.each([
    [["127.0.0.1"], "loopback"],
    [["10.0.0.1"], "private"],
    [["169.254.169.254"], "cloud metadata"],
    [["::ffff:127.0.0.1"], "IPv4 in IPv6"],
    [["64:ff9b::a00:1"], "IPv4 in IPv6"],
    [[publicAddress, "10.0.0.1"], "private"],
    [["2606:2800:220:1::1", "fd00:ec2::254"], "cloud metadata"],
    [["10.0.0.1", publicAddress], "private"],
    [["0.0.0.0"], "unspecified"],
    [["203.0.113.7", "192.0.2.1"], "reserved"],
  ])("one that resolves to %j is refused: %s", async (addresses, rule) => {
    const outbound = buildOutbound({ lookup: resolving(addresses) });
    expect(await post(outbound, "https://hooks.example/")).toMatchObject({
      kind: "refused",
      message: `The URL must not lead to an address of the kind "${rule}".`,
    });
  });

  test("public when saved and private when sent: nobody is connected to", async () => {
    const receiver = await receive(answering(ok));
    const lookup = resolving([publicAddress], ["127.0.0.1"]);
    const outbound = buildOutbound({
      lookup,
      connect: (options) => dial({ ...options, port: receiver.port }),
    });
    lookup("hooks.example", () => {});
    expect(await post(outbound, "https://hooks.example/")).toMatchObject({ kind: "refused" });
    expect(lookup.calls).toBe(2);
    expect(receiver.connections).toBe(0);
  });

  test("the checked answer is the one connected to: there is no second resolution", async () => {
    const receiver = await receive(answering(ok));
    const lookup = resolving(["127.0.0.1"], ["10.0.0.1"]);
    const outbound = buildOutbound({ lookup, rules: { allow: ["127.0.0.0/8", "hooks.example"] } });
    const outcome = await post(outbound, `http://hooks.example:${receiver.port}/`);
    expect(outcome).toMatchObject({ kind: "response", status: 200, body: "ok" });
    expect(lookup.calls).toBe(1);
  });

  test("localhost is never resolved, and reaches a receiver of either family", async () => {
    const receiver = await receive(answering(ok));
    const lookup = resolving([publicAddress]);
    const outbound = buildOutbound({ lookup, rules: { httpToLoopback: true } });
    expect(await post(outbound, `http://localhost:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(await post(outbound, `http://app.localhost.:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(lookup.calls).toBe(0);
  });

  test("one that does not resolve, or resolves to nothing, is a failed connection", async () => {
    const missing = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    const outbound = buildOutbound({ lookup: (_, done) => done(missing, []) });
    expect(await post(outbound, "https://hooks.example/")).toMatchObject({
      kind: "connection",
      message: "The host name does not resolve.",
    });
    const empty = buildOutbound({ lookup: resolving([]) });
    expect(await post(empty, "https://hooks.example/")).toMatchObject({ kind: "connection" });
  });

  test("a resolver that never answers is over at the deadline", async () => {
    const outbound = buildOutbound({ lookup: () => {} });
    expect(await post(outbound, "https://hooks.example/", { timeoutMs: 100 })).toMatchObject({
      kind: "timeout",
    });
  });
});

describe("the connector by itself, as another client would use it", () => {
  const connectTo = (protocol: string, hostname: string, port = "") =>
    new Promise((resolve) => {
      const rules = { httpToLoopback: false, allow: [] };
      const connector = createGuardedConnector({ rules, lookup: resolving(["10.0.0.1"]) });
      connector({ protocol, hostname, port }, (...[error]) => resolve(error));
    });

  test.each([
    ["https:", "127.0.0.1", "", "loopback"],
    ["https:", "::1", "", "loopback"],
    ["https:", "[::1]", "", "loopback"],
    ["https:", "localhost", "", "loopback"],
    ["https:", "169.254.169.254", "", "cloud metadata"],
    ["https:", publicAddress, "25", "port"],
    ["http:", publicAddress, "", "scheme"],
    ["https:", "hooks.example", "", "private"],
  ])("refuses %s//%s %s: %s", async (protocol, hostname, port, rule) => {
    expect(await connectTo(protocol, hostname, port)).toMatchObject({ code: "EGRESS_REFUSED", rule });
  });
});

describe("the address that was reached", () => {
  const lying = (port: number) => (options: DialOptions) =>
    options.secure
      ? dial({ ...options, host: "127.0.0.1", port }, { servername: "hooks.example" })
      : connect({ host: "127.0.0.1", port });

  test.each(["https://hooks.example/", `https://${publicAddress}/`, "http://hooks.example/"])(
    "%s that leads to loopback after all: not a byte is sent",
    async (url) => {
      const receiver = await receive();
      const outbound = buildOutbound({
        lookup: resolving([publicAddress]),
        connect: lying(receiver.port),
        rules: { allow: url.startsWith("http:") ? [publicAddress, "93.184.0.0/16"] : [] },
      });
      const outcome = await post(outbound, url.replace("http://hooks.example", `http://${publicAddress}`));
      expect(outcome).toMatchObject({ kind: "refused" });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(receiver.received).toBe("");
    },
  );
});

test("a name that leads to this very machine is refused although the address is public", async () => {
  const outbound = buildOutbound({ lookup: resolving([publicAddress]), ownAddresses: () => [publicAddress] });
  expect(await post(outbound, "https://hooks.example/")).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("own address"),
  });
});

describe("redirects", () => {
  test.each([301, 302, 303, 307, 308])(
    "a %i is the response; the place it names is not called",
    async (status) => {
      const second = await receive(answering(ok));
      const location = `http://127.0.0.1:${second.port}/`;
      const first = await receive(
        answering(`HTTP/1.1 ${status} Moved\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`),
      );
      const outbound = buildOutbound({ rules: { httpToLoopback: true } });
      const outcome = await post(outbound, `http://127.0.0.1:${first.port}/`);
      expect(outcome).toMatchObject({ kind: "response", status });
      expect(second.connections).toBe(0);
    },
  );
});

test("a name that does not resolve is a failed attempt, not the end of the process", async () => {
  const fail = Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" });
  // As node:dns answers: an error, and nothing else.
  const lookup = (_host: string, done: (error: Error) => void) => setImmediate(() => done(fail));
  const outbound = createOutbound({
    rules: { httpToLoopback: true, allow: [] },
    lookup: lookup as never,
  });
  const outcome = await outbound.post({
    url: "https://nowhere.example/",
    headers: {},
    body: "{}",
    timeoutMs: 2000,
  });
  expect(outcome.kind).toBe("connection");
  await outbound.close();
});
