import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { RouteTable } from './route-table.ts';

/** A table whose owner is called `plugin`, from lines such as `GET /a`. */
function table(...lines: readonly string[]): RouteTable<string> {
  const routes = new RouteTable<string>();
  for (const line of lines) assert.equal(routes.add(route(line), 'plugin'), 'added');
  return routes;
}

function route(line: string): { method: string; pattern: string } {
  const space = line.indexOf(' ');
  return { method: line.slice(0, space), pattern: line.slice(space + 1) };
}

/** What a request line finds, in one line: the pattern and its parameters, the allowed methods, or nothing. */
function look(routes: RouteTable<string>, line: string): string | undefined {
  const { method, pattern: path } = route(line);
  const match = routes.match(method, path);
  if (match === undefined || match === 'bad-encoding') return match;
  if ('allow' in match) return `allow ${match.allow.join(' ')}`;
  return [match.pattern, ...match.params].join(' ');
}

suite('RouteTable, matching', () => {
  const cases: readonly (readonly [pattern: string, path: string, expected: string | undefined])[] = [
    ['/', '/', '/'],
    ['/', '', undefined],
    ['/', '*', undefined],
    ['/', '%2F', undefined],
    ['/a', '/a', '/a'],
    ['/a', '/a/', undefined],
    ['/a/', '/a', undefined],
    ['/a', '//a', undefined],
    ['//a', '//a', '//a'],
    ['/a/../b', '/a/../b', '/a/../b'],
    ['/b', '/a/../b', undefined],
    ['/a/b', '/a%2Fb', undefined],
    ['/a/b', '/a%2fb', undefined],
    ['/a/b', '/%61/%62', '/a/b'],
    ['/%61', '/a', undefined],
    ['/%61', '/%61', undefined],
    ['/%61', '/%2561', '/%61'],
    ['/100%', '/100%25', '/100%'],
    ['/100%', '/100%', 'bad-encoding'],
    ['/%2f', '/%252f', '/%2f'],
    ['/a+b', '/a+b', '/a+b'],
    ['/\xc3\xbc', '/%C3%BC', '/\xc3\xbc'],
    ['/\xff', '/%ff', '/\xff'],
    ['/__proto__', '/__proto__', '/__proto__'],
    ['/echo/:msg', '/echo/hi', '/echo/:msg msg hi'],
    ['/echo/:msg', '/echo/', '/echo/:msg msg '],
    ['/echo/:msg', '/echo', undefined],
    ['/echo/:msg', '/echo/a/b', undefined],
    ['/echo/:msg', '/echo/a%2Fb', '/echo/:msg msg a/b'],
    ['/echo/:msg', '/echo/%252F', '/echo/:msg msg %2F'],
    ['/echo/:msg', '/echo/%00%ff', '/echo/:msg msg \0\xff'],
    ['/:a/b', '/x/b', '/:a/b a x'],
    ['/:a/b', '/x%2Fb', undefined],
    ['/:a/:b', '//', '/:a/:b a  b '],
    ['/:a/%61', '/x/%2561', '/:a/%61 a x'],
    ['/:a/x/:a', '/1/x/2', '/:a/x/:a a 2'],
    ['/:a/:b/:a', '/1/2/3', '/:a/:b/:a b 2 a 3'],
    ['/:a/:b/:a/:c', '/1/2/3/4', '/:a/:b/:a/:c b 2 a 3 c 4'],
    ['/:a/*a', '/1/2/3', '/:a/*a a 2/3'],
    ['/:a/:b/*a', '/1/2/3/4', '/:a/:b/*a b 2 a 3/4'],
    ['/:__proto__', '/x', '/:__proto__ __proto__ x'],
    ['/files/*rest', '/files/a', '/files/*rest rest a'],
    ['/files/*rest', '/files/a/b/c', '/files/*rest rest a/b/c'],
    ['/files/*rest', '/files/a%2Fb//c/', '/files/*rest rest a/b//c/'],
    ['/files/*rest', '/files/', '/files/*rest rest '],
    ['/files/*rest', '/files', undefined],
    ['/*all', '/', '/*all all '],
    ['/*all', '/a/../b', '/*all all a/../b'],
    ['/*', '/*', '/*'],
    ['/*', '/a', undefined],
    ['/*a/b', '/*a/b', '/*a/b'],
    ['/*a/b', '/x/b', undefined],
    ['/:', '/:', '/:'],
    ['/:', '/a', undefined],
    ['/x:a', '/xb', undefined],
    ['/x*a', '/xb', undefined],
  ];
  for (const [pattern, path, expected] of cases) {
    test(`${JSON.stringify(pattern)} and the path ${JSON.stringify(path)}`, () => {
      assert.equal(look(table(`GET ${pattern}`), `GET ${path}`), expected);
    });
  }

  test('the decoded path comes with the match', () => {
    const match = table('GET /:a/*b').match('GET', '/%41%2f//%ff%00');
    assert.ok(typeof match === 'object' && 'path' in match);
    assert.equal(match.path, '/A///\xff\0');
    assert.equal(match.owner, 'plugin');
  });

  test('broken encoding anywhere is told even where no route is', () => {
    for (const path of ['/%', '/%4', '/%g0', '/a/%0g/b', '%', '/x/%C3%BC/%']) {
      assert.equal(new RouteTable().match('GET', path), 'bad-encoding');
    }
    assert.equal(look(table('GET /*all'), 'GET /a/%zz'), 'bad-encoding');
  });
});

suite('RouteTable, order', () => {
  test('the route registered first wins, static or not', () => {
    assert.equal(look(table('GET /a', 'GET /:x', 'GET /*y'), 'GET /a'), '/a');
    assert.equal(look(table('GET /:x', 'GET /a', 'GET /*y'), 'GET /a'), '/:x x a');
    assert.equal(look(table('GET /*y', 'GET /:x', 'GET /a'), 'GET /a'), '/*y y a');
    assert.equal(look(table('GET /:x', 'GET /:y'), 'GET /a'), '/:x x a');
    assert.equal(look(table('GET /:x/b', 'GET /a/:y'), 'GET /a/b'), '/:x/b x a');
    assert.equal(look(table('GET /a/:y', 'GET /:x/b'), 'GET /a/b'), '/a/:y y b');
  });

  test('a branch that fits longer but does not end in a route is left again', () => {
    assert.equal(look(table('GET /a/b/:x/c', 'GET /:p/b/d/e'), 'GET /a/b/d/e'), '/:p/b/d/e p a');
  });

  test('a route of another method does not win', () => {
    assert.equal(look(table('POST /:x', 'GET /a'), 'GET /a'), '/a');
    assert.equal(look(table('POST /a', 'GET /:x'), 'GET /a'), '/:x x a');
  });
});

suite('RouteTable, methods', () => {
  test('HEAD falls back to GET when no HEAD route matches', () => {
    assert.equal(look(table('GET /a'), 'HEAD /a'), '/a');
    assert.equal(look(table('GET /:x'), 'HEAD /a'), '/:x x a');
    assert.equal(look(table('GET /a', 'HEAD /:x'), 'HEAD /a'), '/:x x a');
    assert.equal(look(table('GET /a', 'HEAD /b'), 'HEAD /a'), '/a');
  });

  test('GET does not fall back to HEAD', () => assert.equal(look(table('HEAD /a'), 'GET /a'), 'allow HEAD'));

  test('a path without the method tells all that it has, sorted, HEAD with GET', () => {
    const routes = table('PUT /a', 'GET /:x', 'DELETE /*y', 'POST /b');
    assert.equal(look(routes, 'PATCH /a'), 'allow DELETE GET HEAD PUT');
    assert.equal(look(routes, 'PATCH /c/d'), 'allow DELETE');
    assert.equal(look(table('POST /a'), 'HEAD /a'), 'allow POST');
  });

  test('methods are told apart by case', () =>
    assert.equal(look(table('GET /a'), 'get /a'), 'allow GET HEAD'));

  test('all methods and routes are listed', () => {
    const routes = table('PUT /b', 'GET /:x', 'GET /a');
    assert.deepEqual(routes.methods, ['GET', 'PUT']);
    assert.deepEqual(routes.routes(), [
      { method: 'PUT', pattern: '/b', owner: 'plugin' },
      { method: 'GET', pattern: '/:x', owner: 'plugin' },
      { method: 'GET', pattern: '/a', owner: 'plugin' },
    ]);
  });
});

suite('RouteTable, owners', () => {
  test('a route can be claimed again by its owner and by nobody else', () => {
    const routes = table('GET /a', 'GET /:x');
    assert.equal(routes.add(route('GET /a'), 'plugin'), 'same');
    assert.equal(routes.add(route('GET /a'), 'other'), 'taken');
    assert.equal(routes.add(route('GET /:x'), 'other'), 'taken');
    assert.equal(routes.add(route('POST /a'), 'other'), 'added');
    assert.equal(routes.add(route('GET /:y'), 'other'), 'added');
  });

  test('claiming again does not change who wins', () => {
    const routes = new RouteTable<string>();
    routes.add(route('GET /:x'), 'one');
    routes.add(route('GET /a'), 'two');
    assert.equal(routes.add(route('GET /:x'), 'one'), 'same');
    routes.replace('one', [route('GET /:x')]);
    assert.equal(look(routes, 'GET /a'), '/:x x a');
  });

  test('what an owner is given replaces all that it had, and nothing of others', () => {
    const routes = new RouteTable<string>();
    for (const line of ['GET /:x', 'GET /a', 'GET /b/*rest']) routes.add(route(line), 'one');
    for (const line of ['GET /:y', 'GET /c', 'POST /a']) routes.add(route(line), 'two');
    routes.replace('one', [route('GET /a')]);
    assert.deepEqual(
      routes.routes().map(({ pattern }) => pattern),
      ['/a', '/:y', '/c', '/a'],
    );
    assert.equal(look(routes, 'GET /a'), '/a');
    assert.equal(look(routes, 'GET /x'), '/:y y x');
    assert.equal(look(routes, 'GET /b/c'), undefined);
    assert.equal(routes.add(route('GET /b/*rest'), 'two'), 'added');
    assert.equal(look(routes, 'GET /b/c'), '/b/*rest rest c');
  });

  test('what was given up and comes back goes to the end of the order', () => {
    const routes = new RouteTable<string>();
    routes.add(route('GET /:x'), 'one');
    routes.add(route('GET /a'), 'two');
    routes.replace('one', []);
    routes.add(route('GET /:x'), 'one');
    assert.equal(look(routes, 'GET /a'), '/a');
  });

  test('an owner that gives its routes another order has that, in the places that it had', () => {
    const routes = new RouteTable<string>();
    routes.add(route('GET /:x'), 'one');
    routes.add(route('GET /a'), 'one');
    routes.add(route('GET /:z'), 'two');
    assert.equal(look(routes, 'GET /a'), '/:x x a');
    routes.succeed('one', [route('GET /a'), route('GET /:y'), route('GET /last')]);
    assert.equal(look(routes, 'GET /a'), '/a');
    assert.equal(look(routes, 'GET /b'), '/:y y b');
    assert.equal(look(routes, 'GET /last'), '/:y y last');
    assert.deepEqual(
      routes.routes().map(({ pattern }) => pattern),
      ['/a', '/:y', '/last', '/:z'],
    );
    routes.succeed('two', [route('GET /*rest'), route('GET /last')]);
    routes.succeed('three', [route('POST /a')]);
    routes.succeed('one', [route('GET /:y')]);
    assert.deepEqual(
      routes.routes().map(({ owner, pattern }) => `${owner} ${pattern}`),
      ['one /:y', 'two /*rest', 'three /a'],
    );
  });

  test('an owner that starts anew gets ahead of nobody: its places stay, and what is new comes last', () => {
    const routes = new RouteTable<string>();
    for (const line of ['GET /trap', 'GET /one', 'GET /gone']) routes.add(route(line), 'one');
    for (const line of ['GET /two', 'GET /:two']) routes.add(route(line), 'two');
    routes.replace('one', ['GET /*rest', 'GET /one', 'GET /trap'].map(route));
    assert.deepEqual(
      routes.routes().map(({ pattern }) => pattern),
      ['/trap', '/one', '/two', '/:two', '/*rest'],
    );
    assert.equal(look(routes, 'GET /two'), '/two');
    assert.equal(look(routes, 'GET /gone'), '/:two two gone');
    assert.equal(look(routes, 'GET /a/b'), '/*rest rest a/b');
  });

  test('HEAD belongs to whoever has GET, and goes to the one that was registered first', () => {
    const routes = new RouteTable<string>();
    const head = (path: string): unknown => {
      const match = routes.match('HEAD', path);
      return typeof match === 'object' && 'owner' in match ? `${match.owner} ${match.pattern}` : match;
    };
    routes.add(route('HEAD /first'), 'two');
    routes.add(route('GET /first'), 'one');
    routes.add(route('GET /a'), 'one');
    routes.add(route('GET /files/*rest'), 'one');
    assert.equal(routes.add(route('HEAD /a'), 'two'), 'taken');
    assert.equal(routes.add(route('HEAD /files/b'), 'two'), 'added');
    assert.deepEqual(
      [head('/first'), head('/a'), head('/files/b')],
      ['two /first', 'one /a', 'one /files/*rest'],
    );
    assert.equal(routes.add(route('HEAD /files/b'), 'one'), 'taken');
    assert.equal(routes.add(route('HEAD /a'), 'one'), 'added');
    assert.equal(routes.add(route('HEAD /files/*rest'), 'one'), 'added');
    routes.add(route('GET /files/b'), 'one');
    assert.equal(head('/files/b'), 'one /files/*rest', 'as for GET');
    routes.replace('one', [route('HEAD /own'), route('GET /own')]);
    assert.deepEqual([head('/own'), head('/files/b')], ['one /own', 'two /files/b']);
  });

  test('what another owner has is not given', () => {
    const routes = new RouteTable<string>();
    routes.add(route('GET /a'), 'two');
    routes.replace('one', [route('GET /a'), route('GET /b')]);
    assert.equal(routes.owner(route('GET /a')), 'two');
    assert.equal(routes.owner(route('GET /b')), 'one');
  });
});

suite('RouteTable, hostile input', () => {
  const slashes = '/'.repeat(65_536);

  test('a path of 65,536 slashes is matched against many parameters', () => {
    const routes = new RouteTable<string>();
    for (let depth = 1; depth <= 200; depth++) {
      routes.add({ method: 'GET', pattern: '/:a'.repeat(depth) }, 'plugin');
      routes.add({ method: 'POST', pattern: `${'/:a'.repeat(depth)}/*rest` }, 'plugin');
    }
    assert.equal(look(routes, `GET ${slashes}`), 'allow POST');
    const match = routes.match('POST', slashes);
    assert.ok(typeof match === 'object' && 'params' in match);
    assert.equal(match.pattern, '/:a/*rest');
    assert.deepEqual(match.params, ['a', '', 'rest', slashes.slice(2)]);
  });

  test('a pattern of 20,000 parameters overflows no stack', () => {
    const pattern = '/:a'.repeat(20_000);
    const routes = table(`GET ${pattern}`);
    assert.equal(look(routes, `GET ${'/x'.repeat(20_000)}`), `${pattern} a x`);
    assert.equal(look(routes, `GET ${'/x'.repeat(20_001)}`), undefined);
  });

  test('patterns that fork at every segment are all tried, and the first registered wins', () => {
    const routes = new RouteTable<string>();
    const forks = 12;
    for (let bits = 0; bits < 2 ** forks; bits++) {
      const segments = Array.from({ length: forks }, (_, index) => ((bits >> index) & 1 ? 'a' : ':x'));
      routes.add(
        { method: 'GET', pattern: `/${segments.toReversed().join('/')}/${bits === 0 ? 'z' : 'end'}` },
        'plugin',
      );
    }
    const path = '/a'.repeat(forks);
    assert.equal(look(routes, `GET ${path}/end`), `${'/:x'.repeat(forks - 1)}/a/end x a`);
    assert.equal(look(routes, `GET ${path}/other`), undefined);
  });

  test('each of 5,000 routes with a parameter is found', () => {
    const routes = new RouteTable<string>();
    for (let index = 0; index < 5000; index++) {
      routes.add({ method: 'GET', pattern: `/r${index}/:x/tail${index % 7}` }, 'plugin');
    }
    for (let index = 0; index < 5000; index++) {
      assert.equal(look(routes, `GET /r${index}/y/tail${index % 7}`), `/r${index}/:x/tail${index % 7} x y`);
    }
    assert.equal(look(routes, 'GET /r0/y/tail1'), undefined);
  });
});

suite('RouteTable against a plain matcher', () => {
  const segment = fc.constantFrom('', 'a', 'b', '..', 'a/b', '%', '*', ':', '\xff', '+');
  const patterns = fc
    .array(fc.oneof(segment, fc.constantFrom(':x', ':y', '*r', '*')), { minLength: 1, maxLength: 4 })
    .map((segments) => `/${segments.join('/')}`);
  const lines = fc.uniqueArray(fc.tuple(fc.constantFrom('GET', 'HEAD', 'POST'), patterns, fc.boolean()), {
    maxLength: 12,
    selector: ([method, pattern]) => `${method} ${pattern}`,
  });
  const paths = fc.array(segment, { minLength: 1, maxLength: 5 });
  const methods = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT');

  test('both find the same, before another plugin has left and after', () => {
    fc.assert(
      fc.property(lines, paths, methods, (all, segments, method) => {
        const routes = new RouteTable<string>();
        const added = all.filter(([verb, pattern, isOurs], at) => {
          const result = routes.add({ method: verb, pattern }, isOurs ? 'plugin' : 'other');
          const got = all
            .slice(0, at)
            .some(([before, same, ours]) => before === 'GET' && same === pattern && ours !== isOurs);
          assert.equal(result, verb === 'HEAD' && got ? 'taken' : 'added');
          return result === 'added';
        });
        const line = `${method} /${segments.map(encode).join('/')}`;
        assert.equal(look(routes, line), plain(added, segments, method));
        routes.replace('other', []);
        const ours = added.filter(([, , isOurs]) => isOurs);
        assert.equal(look(routes, line), plain(ours, segments, method));
      }),
      { numRuns: 2000 },
    );
  });
});

/** The rules of contract section 6, one route after the other. */
function plain(
  routes: readonly (readonly [string, string, boolean])[],
  segments: readonly string[],
  method: string,
): string | undefined {
  const matching = routes.flatMap(([verb, pattern, isOurs]) => {
    const params = plainParams(pattern.slice(1).split('/'), segments);
    return params === undefined ? [] : [{ verb, isOurs, answer: [pattern, ...[...params].flat()].join(' ') }];
  });
  if (matching.length === 0) return undefined;
  const own = matching.find(({ verb }) => verb === method);
  const get = method === 'HEAD' ? matching.find(({ verb }) => verb === 'GET') : undefined;
  const others = get?.isOurs !== own?.isOurs;
  const earlier = get !== undefined && own !== undefined && matching.indexOf(get) < matching.indexOf(own);
  const winner = others && earlier ? get : (own ?? get);
  if (winner !== undefined) return winner.answer;
  const verbs = new Set(matching.flatMap(({ verb }) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])));
  return `allow ${[...verbs].toSorted().join(' ')}`;
}

function plainParams(
  pattern: readonly string[],
  segments: readonly string[],
): Map<string, string> | undefined {
  const params = new Map<string, string>();
  const last = pattern.at(-1) ?? '';
  const takesRest = /^\*./s.test(last);
  if (takesRest ? segments.length < pattern.length : segments.length !== pattern.length) return undefined;
  for (const [index, part] of pattern.entries()) {
    const isRest = takesRest && index === pattern.length - 1;
    if (isRest || /^:./s.test(part)) {
      const name = part.slice(1);
      params.delete(name);
      params.set(name, isRest ? segments.slice(index).join('/') : (segments[index] ?? ''));
    } else if (part !== segments[index]) return undefined;
  }
  return params;
}

function encode(text: string): string {
  return text.replaceAll(/[^a.]/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
