// What happened in a run, in order: printed when something is wrong.

export type Story = {
  startedAt: number;
  tell(line: string): void;
  /** Something that must not be. */
  accuse(line: string): void;
  lines: string[];
  accusations: string[];
};

export function createStory(): Story {
  const startedAt = Date.now();
  const lines: string[] = [];
  const accusations: string[] = [];
  const tell = (line: string) => {
    lines.push(`${((Date.now() - startedAt) / 1000).toFixed(2).padStart(7)}s  ${line}`);
  };
  return {
    startedAt,
    tell,
    accuse(line) {
      tell(`VIOLATION ${line}`);
      accusations.push(line);
    },
    lines,
    accusations,
  };
}
