import { isatty } from 'node:tty';
import { ControlClient, ControlError } from '../control/client.ts';
import type { Act, ControlStatus, PluginDetails } from '../control/protocol.ts';
import { escapeUnprintable } from '../log/escape.ts';
import { harmless } from '../log/json.ts';
import type { ControlCommand } from './command-line.ts';
import { logLine } from './log-line.ts';
import type { Environment } from './parse-flags.ts';
import { ps } from './ps.ts';
import { redraw, sample, statsTable } from './stats.ts';
import { table } from './table.ts';

export interface AskOptions {
  readonly env: Environment;
  readonly say: (text: string) => Promise<void>;
  readonly complain: (text: string) => Promise<void>;
  /** Whether people read what it says. Default: whether standard output is a terminal. */
  readonly isTerminal?: boolean;
}

type Asked<N extends ControlCommand['name']> = Extract<ControlCommand, { name: N }>;

/**
 * Asks a running host, and says what it answers. Settles with the exit code: 0 when it could be asked and did what it
 * was asked for, otherwise 1, with a line on standard error.
 */
export async function ask(command: ControlCommand, options: AskOptions): Promise<number> {
  const question = new Question(command.flags.storageRoot, options);
  try {
    if (command.name === 'ps') return await question.ps(command);
    if (command.name === 'stats') return await question.stats(command);
    if (command.name === 'logs') return await question.logs(command);
    if (command.name === 'inspect') return await question.inspect(command);
    return await question.act(command);
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    await question.fail(error);
    return 1;
  }
}

class Question {
  readonly #client: ControlClient;
  readonly #options: AskOptions;
  readonly #isTerminal: boolean;

  constructor(storageRoot: string, options: AskOptions) {
    this.#client = new ControlClient(storageRoot);
    this.#options = options;
    this.#isTerminal = options.isTerminal ?? isatty(1);
  }

  async ps({ flags }: Asked<'ps'>): Promise<number> {
    const status = await this.#client.status();
    if (flags.quiet)
      for (const { name } of status.plugins) await this.#options.say(`${escapeUnprintable(name)}\n`);
    else if (flags.json ?? !this.#isTerminal) for (const plugin of status.plugins) await this.#json(plugin);
    else await this.#options.say(ps(status, Date.now()));
    return 0;
  }

  async stats({ flags, plugins }: Asked<'stats'>): Promise<number> {
    const json = flags.json ?? !this.#isTerminal;
    const drawn = flags.watch && this.#isTerminal;
    // One that is not there is said at once.
    for (const name of plugins) await this.#client.plugin(name);
    const look = async (): Promise<ControlStatus> => {
      const status = await this.#client.status();
      if (plugins.length === 0) return status;
      return { ...status, plugins: status.plugins.filter(({ name }) => plugins.includes(name)) };
    };
    if (drawn && !json) await this.#options.say('\x1b[2J');
    for await (const stats of sample(look)) {
      if (json) await this.#json(stats);
      else await this.#options.say(drawn ? redraw(statsTable(stats)) : statsTable(stats));
      if (!flags.watch) break;
    }
    return 0;
  }

  async logs({ flags, plugin }: Asked<'logs'>): Promise<number> {
    const { follow, tail, since } = flags;
    const format = flags.json ? 'json' : (flags.logFormat ?? (this.#isTerminal ? 'pretty' : 'text'));
    const colour = this.#isTerminal && (this.#options.env['NO_COLOR'] ?? '') === '';
    const lines = this.#client.logs({
      plugin,
      follow,
      tail,
      since: since === undefined ? undefined : Date.now() - since,
    });
    for await (const line of lines) await this.#options.say(logLine(line, format, colour));
    return 0;
  }

  async inspect({ flags, plugins }: Asked<'inspect'>): Promise<number> {
    const found: PluginDetails[] = [];
    const code = await this.#each(plugins, async (name) => {
      found.push(await this.#client.plugin(name));
    });
    if (flags.json) await this.#options.say(`${harmless(JSON.stringify(found, undefined, 2))}\n`);
    else for (const plugin of found) await this.#options.say(inspected(plugin));
    return code;
  }

  async act({ name: act, flags, plugins }: Asked<Act>): Promise<number> {
    const all = plugins.length > 0 ? plugins : (await this.#client.status()).plugins.map(({ name }) => name);
    return this.#each(all, async (name) => {
      const status = await this.#client.act(name, act);
      if (act === 'reload' && status.state === 'stopped') {
        await this.#options.complain(
          `pulp: ${escapeUnprintable(name)} is stopped: what was read counts when it is started\n`,
        );
      }
      if (flags.json) await this.#json(status);
      else await this.#options.say(`${escapeUnprintable(name)}\n`);
    });
  }

  async fail({ message }: ControlError): Promise<void> {
    await this.#options.complain(`pulp: ${escapeUnprintable(message)}\n`);
  }

  /** One after the other; what fails with one keeps nobody from the next. */
  async #each(plugins: readonly string[], use: (name: string) => Promise<void>): Promise<number> {
    let code = 0;
    for (const name of plugins) {
      try {
        await use(name);
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        await this.fail(error);
        code = 1;
      }
    }
    return code;
  }

  async #json(value: unknown): Promise<void> {
    await this.#options.say(`${harmless(JSON.stringify(value))}\n`);
  }
}

/** All of a plugin, a line for each value. */
function inspected(plugin: PluginDetails): string {
  const rows = Object.entries(plugin).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  return table(['NAME', 'VALUE'], rows);
}
