// How findable tools are, written down. Where it got worse the file stays as it is, and a test says what got worse.

import { baselinePath, drops, measureBaseline, readBaseline, textOf } from "../../evals/baseline.ts";

export async function generate() {
  const [before, now] = await Promise.all([readBaseline(), measureBaseline()]);
  return drops(before, now).length > 0 ? {} : { [baselinePath]: textOf(now) };
}
