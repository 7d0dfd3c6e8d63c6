// A real Chromium, spoken to over a pipe: pages are opened and looked at as people see them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

type Message = {
  id?: number;
  method?: string;
  sessionId?: string;
  params?: Json;
  result?: Json;
  error?: Json;
};
type Json = Record<string, unknown>;

export type BrowserPage = {
  /** What an expression in the page comes to, as JSON. */
  evaluate<T>(expression: string): Promise<T>;
  resize(width: number, height: number): Promise<void>;
  /** Errors and refusals that the page has told its console so far. */
  complaints: string[];
};

export type TestBrowser = {
  /** Resolves when the page and what belongs to it have been loaded. */
  open(url: string): Promise<BrowserPage>;
  close(): Promise<void>;
};

const flags = [
  "--headless=new",
  "--remote-debugging-pipe",
  // Run by root, as in a container, it has no sandbox to go into; it only ever sees our own pages.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  // Nothing but this machine is ever dialled.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

export async function startBrowser(program: string): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), "rotor-browser-"));
  const child = spawn(program, [...flags, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const gone = once(child, "exit");
  const { send, listen } = speakTo(child);
  return {
    async open(url) {
      const { targetId } = await send("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
      return openPage(url, (method, params) => send(method, params, sessionId as string), listen(sessionId));
    },
    async close() {
      child.kill("SIGKILL");
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

type Send = (method: string, params?: Json, sessionId?: string) => Promise<Json>;
type Listener = (message: Message) => void;

function speakTo(child: ChildProcess) {
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, { resolve(result: Json): void; reject(error: Error): void }>();
  const listeners: { sessionId: unknown; told: Listener }[] = [];
  let sent = 0;
  let rest = "";
  output.setEncoding("utf8").on("data", (chunk: string) => {
    const messages = (rest + chunk).split("\0");
    rest = messages.pop() ?? "";
    for (const text of messages) take(JSON.parse(text));
  });
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser ended"));
  });

  function take(message: Message): void {
    const { id, error, result = {}, sessionId } = message;
    const asked = id === undefined ? undefined : waiting.get(id);
    if (asked && id !== undefined) {
      waiting.delete(id);
      if (error) asked.reject(new Error(JSON.stringify(error)));
      else asked.resolve(result);
      return;
    }
    for (const listener of listeners) if (listener.sessionId === sessionId) listener.told(message);
  }

  const send: Send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++sent;
      waiting.set(id, { resolve, reject });
      input.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
    });
  const listen = (sessionId: unknown) => (told: Listener) => void listeners.push({ sessionId, told });
  return { send, listen };
}

async function openPage(
  url: string,
  send: (method: string, params?: Json) => Promise<Json>,
  listen: (told: Listener) => void,
): Promise<BrowserPage> {
  const complaints: string[] = [];
  const loaded = new Promise<void>((resolve) => {
    listen(({ method, params = {} }) => {
      if (method === "Page.loadEventFired") resolve();
      if (method === "Log.entryAdded") complaints.push(String((params.entry as Json).text));
      if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params.exceptionDetails));
    });
  });
  for (const domain of ["Page", "Log", "Runtime"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url });
  await loaded;
  return {
    complaints,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await send("Runtime.evaluate", {
        expression,
        returnByValue: true,
        awaitPromise: true,
      });
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as Json).value as T;
    },
    async resize(width, height) {
      await send("Emulation.setDeviceMetricsOverride", {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: false,
      });
    },
  };
}
