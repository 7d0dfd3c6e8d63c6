// The commands that no operation of the contract is behind, or that do more than one.

import type { Extra } from "./command.ts";
import type { Flag } from "./flags.ts";

const flag = (name: string, describe: string): Flag => ({ name, isSwitch: false, describe });

export const extras: Extra[] = [
  {
    words: ["login"],
    summary: "Save an API key for this user, after checking it.",
    usage: "",
    flags: [],
    examples: ["rotor login", "rotor login --url https://rotor.example.com < key.txt"],
    load: async () => (await import("./extras/login.ts")).login,
  },
  {
    words: ["logout"],
    summary: "Forget the saved API key.",
    usage: "",
    flags: [],
    examples: ["rotor logout", "rotor logout --quiet"],
    load: async () => (await import("./extras/login.ts")).logout,
  },
  {
    words: ["status"],
    summary: "Show the server's health and the workspace's quota.",
    usage: "",
    flags: [
      { name: "watch", isSwitch: true, describe: "Ask again and again, until Ctrl-C." },
      flag("interval", "Seconds between two answers of --watch; default 5."),
    ],
    examples: ["rotor status", "rotor status --watch --json"],
    load: async () => (await import("./extras/status.ts")).status,
  },
  {
    words: ["runs", "watch"],
    summary: "Follow a run and its steps until it has ended.",
    usage: "<id>",
    flags: [],
    examples: ["rotor runs watch run_0190c8a1", "rotor runs watch run_0190c8a1 --json"],
    load: async () => (await import("./extras/watch-run.ts")).watchRun,
  },
  {
    words: ["api"],
    summary: "Send any request to the REST API.",
    usage: "[method] <path>",
    flags: [flag("data", "JSON body: text, @file, or - for stdin.")],
    examples: ["rotor api /v1/queues", `rotor api PATCH /v1/queues/emails --data '{"concurrency":5}'`],
    load: async () => (await import("./extras/api.ts")).api,
  },
  {
    words: ["template", "list"],
    summary: "List the starter projects.",
    usage: "",
    flags: [],
    examples: ["rotor template list", "rotor template list --json"],
    load: async () => (await import("./extras/template.ts")).list,
  },
  ...["apply", "add"].map((verb) => ({
    words: ["template", verb],
    summary: "Copy a starter project into a folder.",
    usage: "<name> [dir]",
    flags: [
      { name: "force", isSwitch: true, describe: "Overwrite files of the same names." },
      { name: "keep", isSwitch: true, describe: "Leave files of the same names as they are." },
    ],
    examples: [
      `rotor template ${verb} outbound-with-approvals`,
      `rotor template ${verb} reply-classifier my-app`,
    ],
    load: async () => (await import("./extras/template.ts")).apply,
  })),
  {
    words: ["completion"],
    summary: "Print a script that makes the shell complete commands and flags.",
    usage: "<bash|zsh|fish>",
    flags: [],
    examples: [
      "source <(rotor completion bash)",
      "rotor completion fish > ~/.config/fish/completions/rotor.fish",
    ],
    load: async () => (await import("./extras/completion.ts")).completion,
  },
  {
    words: ["help"],
    summary: "Show help for a command, or the exit codes.",
    usage: "[command | exit-codes]",
    flags: [],
    examples: ["rotor help queues create", "rotor help exit-codes"],
    load: async () => (await import("./extras/help.ts")).help,
  },
];
