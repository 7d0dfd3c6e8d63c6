import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export type Receiver = {
  port: number;
  /** Connections taken so far. */
  readonly connections: number;
  /** What was received so far, of all connections. */
  readonly received: string;
  close(): Promise<void>;
};

/** A TCP server on loopback that does what it is told with each connection: for receivers that misbehave. */
export async function startReceiver(behave: (socket: Socket) => void = () => {}): Promise<Receiver> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let received = "";
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections;
    },
    get received() {
      return received;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The same, ended with the test. */
export async function receive(behave?: (socket: Socket) => void): Promise<Receiver> {
  const receiver = await startReceiver(behave);
  onTestFinished(() => receiver.close());
  return receiver;
}

/** A well-behaved HTTP server, ended with the test. */
export async function serve(
  listener: RequestListener,
): Promise<{ url: string; readonly connections: number }> {
  let connections = 0;
  const server = createHttpServer(listener).on("connection", () => {
    connections += 1;
  });
  const port = await listenForTest(server, () => server.closeAllConnections());
  return {
    url: `http://127.0.0.1:${port}/`,
    get connections() {
      return connections;
    },
  };
}

/** Starts a server on loopback and ends it with the test. */
export async function listenForTest(server: Server, closeAll = () => {}): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    closeAll();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as { port: number }).port;
}

/** Answers every request of a connection with these bytes, once its head has arrived. */
export function answering(response: string | Buffer): (socket: Socket) => void {
  return (socket) => {
    socket.on("data", (chunk) => {
      if (/^[A-Z]+ \//.test(chunk.toString("latin1"))) socket.write(response);
    });
  };
}

/** For https://hooks.example, signed by itself; valid until 2126 and good for nothing else. */
export const testCertificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgv5DNW7zDyaYq3uqr
8jb2fXGMxxsNzqH2DPNwuBQlOt6hRANCAASGebPGL+j6r2k7a3GTbqtjRBGoO0yE
RZ/Vqf/g0qJohzxYma8GYe0LUscrpAzSlxUyHCvHifvXxjChM2Cy7uQh
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUJGUbCChDtpsq9WCbbA8EQCe9T64wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNaG9va3MuZXhhbXBsZTAgFw0yNjExMjExMjM5NTJaGA8yMTI2
MTAyODEyMzk1MlowGDEWMBQGA1UEAwwNaG9va3MuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABIZ5s8Yv6PqvaTtrcZNuq2NEEag7TIRFn9Wp/+DSomiH
PFiZrwZh7QtSxyukDNKXFTIcK8eJ+9fGMKEzYLLu5CGjbTBrMB0GA1UdDgQWBBRq
sgkFMSs/3kNVypGXSOx6Ui8j6jAfBgNVHSMEGDAWgBRqsgkFMSs/3kNVypGXSOx6
Ui8j6jAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDWhvb2tzLmV4YW1wbGUw
CgYIKoZIzj0EAwIDRwAwRAIgRgckXZ1oK9fsWt4voTd+EOb9JLD/sA8/xMTmj1FO
zAoCIEmqSvNTxYoX3xKG9ufMO8ZGP5zC7caEIc/EOwFzGCLL
-----END CERTIFICATE-----
`,
} as const;
