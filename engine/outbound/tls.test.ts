import { createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { buildOutbound, post, resolving } from "../testing/outbound.ts";
import { answering, listenForTest, receive, testCertificate } from "../testing/receiver.ts";
import { type DialOptions, dial } from "./guard.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("TLS", () => {
  async function startTls() {
    const server = createServer(testCertificate, (socket) => answering(ok)(socket));
    server.on("tlsClientError", () => {});
    return listenForTest(server);
  }
  const here = { lookup: resolving(["127.0.0.1"]), rules: { allow: ["127.0.0.0/8"] } };
  const trusting = (options: DialOptions) => dial(options, { ca: testCertificate.cert });

  test("a trusted certificate for the name is accepted, by the name and not the address", async () => {
    const outbound = buildOutbound({ ...here, connect: trusting });
    const port = await startTls();
    expect(await post(outbound, `https://hooks.example:${port}/`)).toMatchObject({ status: 200, body: "ok" });
  });

  test("one for another name, or from nobody trusted, is not", async () => {
    const port = await startTls();
    const outbound = buildOutbound({ ...here, connect: trusting });
    expect(await post(outbound, `https://other.example:${port}/`)).toMatchObject({
      kind: "tls",
      message: "The TLS certificate is for another host name.",
    });
    const plain = buildOutbound(here);
    expect(await post(plain, `https://hooks.example:${port}/`)).toMatchObject({
      kind: "tls",
      message: "The TLS certificate is not from a trusted authority.",
    });
  });

  test("no environment variable turns the check off", async () => {
    const port = await startTls();
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect(await post(buildOutbound(here), `https://hooks.example:${port}/`)).toMatchObject({
        kind: "tls",
      });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  test("a receiver that does not speak it fails the handshake", async () => {
    const receiver = await receive((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await post(buildOutbound(here), `https://hooks.example:${receiver.port}/`)).toMatchObject({
      kind: "tls",
    });
  });
});
