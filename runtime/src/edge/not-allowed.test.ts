import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { exchange } from './exchange.suite.ts';
import { noteAllowed, notAllowed } from './not-allowed.ts';

suite('notAllowed', () => {
  test('lists the methods that it is given and those that were noted, each once', () => {
    const { response, sent } = exchange('DELETE');
    noteAllowed(response, ['GET']);
    noteAllowed(response, ['PATCH']);
    notAllowed(response, ['POST', 'GET']);
    assert.match(sent(), /^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    assert.match(sent(), /\r\nAllow: GET, PATCH, POST\r\n/);
  });

  test('says what was noted for this request alone', () => {
    noteAllowed(exchange('DELETE').response, ['GET']);
    const { response, sent } = exchange('DELETE');
    notAllowed(response, ['POST']);
    assert.match(sent(), /\r\nAllow: POST\r\n/);
  });
});
