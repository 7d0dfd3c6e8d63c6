/** A test holds it equal to package.json, which ESM cannot import on Node 20. */
export const version = "0.1.0";
