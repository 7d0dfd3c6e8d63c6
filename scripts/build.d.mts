/** Compiles these packages, and what they import, unless they are up to date. */
export function build(packages?: string[]): Promise<void>;
