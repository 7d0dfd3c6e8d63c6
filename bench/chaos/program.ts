// One process of a run: started, killed, stopped, started again. A process that served and then ends without being
// told to is a finding; one that could not start, because its database was down, is started again, as anything that
// runs servers does.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Story } from "./story.ts";

export type Program = {
  name: string;
  /** When this program was frozen, and until when. */
  freezes: { from: number; to: number }[];
  readonly pid: number | undefined;
  start(): void;
  kill(): Promise<void>;
  /** Stops it where it stands, as a machine that is out of memory or moved does. */
  freeze(): void;
  thaw(): void;
  /** Asks it to end, and answers how it did. */
  end(withinMs: number): Promise<number | null>;
  /** The last lines it wrote. */
  said(): string[];
};

type What = { name: string; command: string; args: string[]; options: SpawnOptions };

const kept = 400;
const againMs = 300;

export function createProgram({ name, command, args, options }: What, story: Story): Program {
  let child: ChildProcess | undefined;
  let expected = false;
  let served = false;
  const lines: string[] = [];
  const freezes: Program["freezes"] = [];
  const hear = (chunk: Buffer) => {
    served ||= chunk.includes('"msg":"ready"');
    lines.push(...chunk.toString().split("\n").filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - kept));
  };
  process.on("exit", () => child?.kill("SIGKILL"));

  async function stop(signal: NodeJS.Signals): Promise<void> {
    expected = true;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  function start(): void {
    expected = false;
    served = false;
    const started = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    started.stdout?.on("data", hear);
    started.stderr?.on("data", hear);
    started.on("exit", (code, signal) => void ended(started, code ?? signal));
    child = started;
  }

  async function ended(one: ChildProcess, how: number | string | null): Promise<void> {
    if (expected || one !== child) return;
    const last = lines.slice(-3).map((line) => line.slice(0, 600));
    if (served) return story.accuse(`${name} ended by itself, with ${how}: ${last.join(" | ")}`);
    story.tell(`${name} could not start, and tries again`);
    await sleep(againMs);
    if (!expected && one === child) start();
  }

  return {
    name,
    freezes,
    start,
    get pid() {
      return child?.pid;
    },
    kill: () => stop("SIGKILL"),
    freeze() {
      freezes.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
      child?.kill("SIGSTOP");
    },
    thaw() {
      child?.kill("SIGCONT");
      const last = freezes.at(-1);
      if (last?.to === Number.POSITIVE_INFINITY) last.to = Date.now();
    },
    async end(withinMs) {
      const timer = setTimeout(() => child?.kill("SIGKILL"), withinMs);
      await stop("SIGTERM");
      clearTimeout(timer);
      return child?.exitCode ?? null;
    },
    said: () => lines,
  };
}
