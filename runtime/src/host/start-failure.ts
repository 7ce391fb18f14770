import type { InstanceEnd } from './running-instance.ts';

/**
 * On whose account a start did not come up: the plugin's own; that of another plugin, in the thread that both share; or an
 * operator's, who has asked for something else meanwhile.
 */
export type StartFailureAccount = 'own' | 'another' | 'operator';

/** A start of a plugin that did not come up. The message says why. */
export class StartFailure extends Error {
  readonly account: StartFailureAccount;

  constructor(plugin: string, reason: string, account: StartFailureAccount = 'own') {
    super(`plugin ${plugin} did not start: ${reason}`);
    this.name = 'StartFailure';
    this.account = account;
  }
}

/** On whose account an instance has ended that was starting. */
export function accountOf({ state }: InstanceEnd): StartFailureAccount {
  if (state === 'evicted') return 'another';
  return state === 'called-off' ? 'operator' : 'own';
}

/** Makes a start again for as long as another plugin's doing ends it. */
export async function startWhatever<T>(start: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof StartFailure && error.account === 'another')) throw error;
    }
  }
}
