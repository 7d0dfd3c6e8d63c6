// Opens connections, and only to where the rules allow. A name is resolved once; its checked addresses are the ones
// connected to; and the address that was reached is checked again before a byte is sent, TLS included.

import { lookup as systemLookup } from "node:dns";
import { connect as connectTcp, type LookupFunction, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { buildConnector } from "undici";
import {
  createEgress,
  type Egress,
  type EgressRules,
  isIp,
  isLoopbackName,
  loopbackAddresses,
  plainHost,
} from "./egress.ts";

export type Lookup = (
  host: string,
  done: (error: Error | null, addresses: { address: string; family: number }[]) => void,
) => void;

export type DialOptions = {
  secure: boolean;
  host: string;
  port: number;
  /** Answers checked addresses. */
  lookup: LookupFunction;
  /** A TLS session to resume. */
  session?: Buffer | undefined;
};

export type GuardOptions = {
  rules: EgressRules;
  lookup?: Lookup | undefined;
  /** Starts a connection; the guard watches it. */
  connect?: ((options: DialOptions) => Socket) | undefined;
  ownAddresses?: (() => string[]) | undefined;
};

const connectTimeoutMs = 10_000;
const mostSessions = 200;

/** For `connect` of an undici Client, Pool or Agent. */
export function createGuardedConnector(options: GuardOptions): buildConnector.connector {
  const egress = createEgress(options.rules, options.ownAddresses);
  const lookup = guardLookup(egress, options.lookup ?? lookupAll);
  const connect = options.connect ?? dial;
  const sessions = createSessions();
  return ({ protocol, hostname, port }, callback) => {
    const host = plainHost(hostname);
    const secure = protocol === "https:";
    const name = `${host}:${port}`;
    try {
      egress.checkTarget({ protocol, hostname, port });
      const number = Number(port) || (secure ? 443 : 80);
      const socket = connect({ secure, host, port: number, lookup, session: sessions.get(name) });
      if (secure) socket.on("session", (session: Buffer) => sessions.set(name, session));
      watch(socket, secure, () => checkReached(egress, host, socket), callback);
    } catch (error) {
      callback(error as Error, null);
    }
  };
}

/** The plain way to connect. `autoSelectFamily` races the two families over the checked addresses. */
export function dial(
  { secure, host, port, lookup, session }: DialOptions,
  tls: ConnectionOptions = {},
): Socket {
  const common = { host, port, lookup, autoSelectFamily: true, noDelay: true, keepAlive: true };
  if (!secure) return connectTcp(common);
  const servername = isIp(host) ? "" : host;
  // Said aloud, so that no environment variable can turn the check of certificates off.
  return connectTls({
    ...tls,
    ...common,
    servername,
    session,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: true,
  });
}

function guardLookup(egress: Egress, lookup: Lookup): LookupFunction {
  return (hostname, options, done) => {
    // A resolver that fails gives no list at all, whatever its types say.
    const answer = (error: Error | null, addresses?: { address: string; family: number }[]) => {
      const found = addresses ?? [];
      const problem = error ?? firstProblem(egress, hostname, found);
      const [first] = found;
      if (problem || !first) done(problem ?? new Error("no addresses"), []);
      else if (options.all) done(null, found);
      else done(null, first.address, first.family);
    };
    if (isLoopbackName(hostname)) answer(null, reachableLoopback(egress, hostname));
    else lookup(hostname, answer);
  };
}

/** One bad address among good ones is refused as a whole: which one is used would be up to chance. */
function firstProblem(egress: Egress, host: string, found: { address: string }[]): Error | undefined {
  return found.map(({ address }) => problemOf(egress, host, address)).find(Boolean);
}

function reachableLoopback(egress: Egress, host: string) {
  return loopbackAddresses
    .filter((address) => !problemOf(egress, host, address))
    .map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

function problemOf(egress: Egress, host: string, address: string): Error | undefined {
  try {
    egress.checkAddress(host, address);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function checkReached(egress: Egress, host: string, { remoteAddress }: Socket): void {
  // Gone again already: there is nobody to send to.
  if (remoteAddress === undefined) throw Object.assign(new Error("closed"), { code: "ECONNRESET" });
  egress.checkAddress(host, remoteAddress);
}

function watch(socket: Socket, secure: boolean, check: () => void, callback: buildConnector.Callback): void {
  let done = false;
  const finish = (error: Error | null) => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    if (error) callback(error, null);
    else callback(null, socket);
  };
  const timer = setTimeout(() => socket.destroy(new ConnectTimeout()), connectTimeoutMs);
  // First in line: the listener that starts the TLS handshake comes after, and finds the socket destroyed.
  socket.prependOnceListener("connect", () => {
    try {
      check();
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
  socket.once(secure ? "secureConnect" : "connect", () => {
    if (!socket.destroyed) finish(null);
  });
  socket.on("error", finish);
  socket.once("close", () => finish(Object.assign(new Error("closed"), { code: "ECONNRESET" })));
}

class ConnectTimeout extends Error {
  readonly code = "CONNECT_TIMEOUT";
}

function createSessions() {
  const sessions = new Map<string, Buffer>();
  return {
    get: (name: string) => sessions.get(name),
    set(name: string, session: Buffer) {
      sessions.delete(name);
      sessions.set(name, session);
      for (const oldest of sessions.keys()) {
        if (sessions.size <= mostSessions) break;
        sessions.delete(oldest);
      }
    },
  };
}

const lookupAll: Lookup = (host, done) => systemLookup(host, { all: true }, done);
