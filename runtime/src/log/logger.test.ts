import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLogger } from './logger.ts';
import type { Destination } from './output.ts';

class Lines implements Destination {
  readonly lines: string[] = [];
  readonly isTerminal: boolean;

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }

  write(line: string): void {
    this.lines.push(line);
  }

  flush(): Promise<boolean> {
    return Promise.resolve(true);
  }

  flushSync(): void {}
}

function coloured(isTerminal: boolean, env: Record<string, string>): boolean {
  const destination = new Lines(isTerminal);
  createLogger({ destination, format: 'pretty', env }).info('m');
  return destination.lines.join('').includes('\x1b');
}

suite('createLogger', () => {
  test('writes records from its level on', () => {
    const destination = new Lines();
    const log = createLogger({ level: 'warn', format: 'text', destination, clock: () => 0 });
    log.debug('no');
    log.info('no');
    log.warn('slow', { ms: 3 });
    log.error('broken');
    assert.deepEqual(destination.lines, [
      'time=1970-01-01T00:00:00.000Z level=WARN msg=slow ms=3\n',
      'time=1970-01-01T00:00:00.000Z level=ERROR msg=broken\n',
    ]);
    assert.equal(log.enabled('info'), false);
    assert.equal(log.enabled('error'), true);
  });

  test('leaves out debug unless asked for it', () => {
    const destination = new Lines();
    createLogger({ destination }).debug('no');
    createLogger({ destination, level: 'debug' }).debug('yes');
    assert.equal(destination.lines.length, 1);
  });

  test('is pretty on a terminal and text anywhere else, unless told', () => {
    assert.equal(createLogger({ destination: new Lines(true) }).format, 'pretty');
    assert.equal(createLogger({ destination: new Lines(false) }).format, 'text');
    assert.equal(createLogger({ destination: new Lines(true), format: 'json' }).format, 'json');
  });

  test('colours on a terminal only, and not under NO_COLOR', () => {
    assert.equal(coloured(true, {}), true);
    assert.equal(coloured(false, {}), false);
    assert.equal(coloured(true, { NO_COLOR: '1' }), false);
  });
});
