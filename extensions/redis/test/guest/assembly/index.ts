/** A plugin for tests: calls the function that a request names with the request's body, and keeps messages. */
import { Response, config, failInit, get, hostResult, onEvent, onInit, post } from 'pulp-sdk-assemblyscript';

@external('pulp', 'redis_get')
declare function redis_get(at: usize, size: i32, pointerOut: usize, lengthOut: usize): u32;
@external('pulp', 'redis_set')
declare function redis_set(at: usize, size: i32): u32;
@external('pulp', 'redis_del')
declare function redis_del(at: usize, size: i32, pointerOut: usize, lengthOut: usize): u32;
@external('pulp', 'redis_incr')
declare function redis_incr(at: usize, size: i32, pointerOut: usize, lengthOut: usize): u32;
@external('pulp', 'redis_expire')
declare function redis_expire(at: usize, size: i32): u32;
@external('pulp', 'redis_publish')
declare function redis_publish(at: usize, size: i32, pointerOut: usize, lengthOut: usize): u32;
@external('pulp', 'redis_subscribe')
declare function redis_subscribe(at: usize, size: i32): u32;
@external('pulp', 'redis_unsubscribe')
declare function redis_unsubscribe(at: usize, size: i32): u32;

const messages: string[] = [];

onInit(() => {
  const channels = config.strings('subscribe');
  for (let i = 0; i < channels.length; i++) {
    const name = String.UTF8.encode(channels[i]);
    const code = redis_subscribe(changetype<usize>(name), name.byteLength);
    if (code != 0) failInit('redis_subscribe: code ' + code.toString());
  }
});

onEvent('redis.message', (event) => {
  const payload = String.UTF8.decode(event.bytes('payload').buffer);
  if (payload == 'trap') unreachable();
  messages.push(event.get('channel') + '=' + (payload.length > 100 ? payload.length.toString() : payload));
});

get('/ok', () => Response.text('here'));
get('/messages', () => Response.text(messages.join('\n')));

post('/:function', (request) => {
  const name = request.params.get('function');
  const body = request.body;
  const at = body.dataStart;
  const size = body.length;
  const pointer = hostResult.pointerOut();
  const length = hostResult.lengthOut();
  let code: u32 = 0;
  if (name == 'get') code = redis_get(at, size, pointer, length);
  else if (name == 'set') code = redis_set(at, size);
  else if (name == 'del') code = redis_del(at, size, pointer, length);
  else if (name == 'incr') code = redis_incr(at, size, pointer, length);
  else if (name == 'expire') code = redis_expire(at, size);
  else if (name == 'publish') code = redis_publish(at, size, pointer, length);
  else if (name == 'subscribe') code = redis_subscribe(at, size);
  else if (name == 'unsubscribe') code = redis_unsubscribe(at, size);
  return Response.bytes(hostResult.take()).header('X-Code', code.toString());
});
