/** A setting that the engine cannot work with. The message is one line for whoever starts the server. */
export class StartRefused extends Error {
  override readonly name = "StartRefused";
}
