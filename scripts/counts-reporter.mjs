// Vitest reporter that leaves one line of counts in the file ROTOR_TEST_COUNTS names.

import { writeFileSync } from "node:fs";

export default class CountsReporter {
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const results = [...module.children.allTests()].map((test) => test.result().state);
      for (const state of results) counts[state === "pending" ? "failed" : state]++;
      // A file that does not load, or whose hooks fail, fails although none of its tests did.
      if (module.state() === "failed" && !results.includes("failed")) counts.failed++;
    }
    const { passed, failed, skipped } = counts;
    writeFileSync(
      process.env.ROTOR_TEST_COUNTS,
      `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`,
    );
  }
}
