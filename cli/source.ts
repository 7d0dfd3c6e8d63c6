import { readFile } from "node:fs/promises";
import { UsageError } from "./usage-error.ts";

/** Follows `@file` and `-` (stdin) to the text they stand for. */
export type ReadSource = (text: string) => Promise<string>;

export function createReadSource(readStdin: () => Promise<string>): ReadSource {
  let stdinUsed = false;
  return async (text) => {
    if (text.startsWith("@")) return readTextFile(text.slice(1));
    if (text !== "-") return text;
    if (stdinUsed) throw new UsageError("Stdin (-) can be read for one flag only.");
    stdinUsed = true;
    return readStdin();
  };
}

async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `The file ${path} cannot be read: ${code === "ENOENT" ? "there is none" : message}.`,
    );
  }
}
