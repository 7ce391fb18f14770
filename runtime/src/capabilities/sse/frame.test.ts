import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as fc from 'fast-check';
import { Failure } from '../../ext.ts';
import { inlineBytes } from '../../link/link.ts';
import { encodeFrame, type SseEvent } from './frame.ts';
import { maxFrameBytes } from './wire.ts';

function written(event: Partial<SseEvent>): string {
  return Buffer.from(encodeFrame({ id: '', event: '', data: '', ...event })).toString('latin1');
}

function refused(event: Partial<SseEvent>): boolean {
  try {
    written(event);
    return false;
  } catch (error) {
    assert.ok(error instanceof Failure && error.code === 4);
    return true;
  }
}

/** What a client finds in a stream with these bytes before it. */
function parsed(text: string): readonly EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  parser.feed(Buffer.from(text, 'latin1').toString('utf8'));
  return events;
}

suite('encodeFrame', () => {
  test('writes id, event and data in this order, and an empty line', () => {
    assert.equal(written({ id: '7', event: 'news', data: 'text' }), 'id: 7\nevent: news\ndata: text\n\n');
    assert.equal(written({ data: 'text' }), 'data: text\n\n');
    assert.equal(written({ id: '7' }), 'id: 7\ndata: \n\n');
    assert.equal(written({}), 'data: \n\n');
  });

  test('writes a line for each line of the data: CR LF, LF and lone CR end one', () => {
    for (const [data, lines] of [
      ['a\nb', ['a', 'b']],
      ['a\r\nb', ['a', 'b']],
      ['a\rb', ['a', 'b']],
      ['\n', ['', '']],
      ['\r\n', ['', '']],
      ['\n\r', ['', '', '']],
      ['\r\r\n\n', ['', '', '', '']],
      ['a\r\n', ['a', '']],
      ['\na', ['', 'a']],
      [' a', [' a']],
    ] as const) {
      assert.equal(written({ data }), `${lines.map((line) => `data: ${line}\n`).join('')}\n`);
    }
  });

  test('bytes are written as they are, also where they are not UTF-8', () => {
    assert.equal(
      written({ id: '\xe4', event: '\xff\0', data: '\x80\0\xfe' }),
      'id: \xe4\nevent: \xff\0\ndata: \x80\0\xfe\n\n',
    );
  });

  test('refuses what would end the line of id or event, and an id with NUL', () => {
    for (const text of ['a\nb', 'a\rb', '\r\n']) {
      assert.ok(refused({ id: text, data: 'x' }));
      assert.ok(refused({ event: text, data: 'x' }));
    }
    assert.ok(refused({ id: 'a\0b' }));
  });

  test('refuses an event over the limit, also one whose many lines make it so', () => {
    const room = maxFrameBytes - 'data: \n\n'.length;
    assert.equal(written({ data: 'x'.repeat(room) }).length, maxFrameBytes);
    assert.ok(refused({ data: 'x'.repeat(room + 1) }));
    // Each is a byte of the data and seven of the frame.
    assert.ok(refused({ data: '\n'.repeat(maxFrameBytes / 7) }));
    assert.ok(refused({ id: 'x'.repeat(maxFrameBytes) }));
    assert.ok(refused({ event: 'x'.repeat(maxFrameBytes) }));
  });

  test('leaves room before it, and a large one is its own bytes, which can be transferred', () => {
    for (const size of [1, inlineBytes * 2]) {
      const bytes = encodeFrame({ id: '', event: '', data: 'x'.repeat(size) }, 4);
      assert.equal(Buffer.from(bytes).toString('latin1', 4), `data: ${'x'.repeat(size)}\n\n`);
      if (size > inlineBytes) assert.equal(bytes.buffer.byteLength, bytes.length);
    }
  });

  test('a client reads from any event what was put in, with LF for each line break, and nothing else', () => {
    const text = fc.string({ unit: fc.constantFrom('\r', '\n', 'a', ':', ' ', 'data', '\xc3\xa4', '\0') });
    const line = fc.string({ unit: fc.constantFrom('a', ':', ' ', 'id', '1') });
    fc.assert(
      fc.property(fc.array(fc.record({ id: line, event: line, data: text })), (events) => {
        const found = parsed(events.map((event) => written(event)).join(''));
        let lastId: string | undefined;
        assert.deepEqual(
          found.map(({ event = '', data }) => ({ event, data })),
          events.map(({ event, data }) => ({
            event,
            data: Buffer.from(data, 'latin1')
              .toString('utf8')
              .replaceAll(/\r\n|\r/g, '\n'),
          })),
        );
        for (const [index, { id }] of events.entries()) {
          if (id !== '') lastId = id;
          if (id !== '') assert.equal(found[index]?.id, lastId);
        }
      }),
    );
  });
});
