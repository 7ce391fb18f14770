/** A start of a plugin that did not come up. The message says why. */
export class StartFailure extends Error {
  /** It was ended on the account of another plugin, in the thread that both share. */
  readonly evicted: boolean;

  constructor(plugin: string, reason: string, evicted = false) {
    super(`plugin ${plugin} did not start: ${reason}`);
    this.name = 'StartFailure';
    this.evicted = evicted;
  }
}

/** Makes a start again for as long as somebody else's doing ends it. */
export async function startWhatever(start: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await start();
      return;
    } catch (error) {
      if (!(error instanceof StartFailure && error.evicted)) throw error;
    }
  }
}
