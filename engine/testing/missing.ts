import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    missing: string;
  }
}

/** Says that a program the project's tests need cannot be had; their runner does the rest. */
export function lacks(project: TestProject, missing: string): undefined {
  console.error(`${project.name} tests cannot run: ${missing}`);
  project.provide("missing", missing);
}
