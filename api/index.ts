export { type AppOptions, createApp } from "./app.ts";
export { openApi } from "./openapi.ts";
