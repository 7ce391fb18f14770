'use strict';

const at = (id) => document.getElementById(id);

let current = null;
let oldest = 0;
let searching = 0;

function part(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function say(text) {
  at('state').textContent = text;
}

async function ask(method, path, body, type) {
  const headers = type === undefined ? {} : { 'Content-Type': type };
  const response = await fetch(path, { method, body, headers });
  const text = response.status === 204 ? '' : await response.text();
  const answer = text === '' ? null : JSON.parse(text);
  if (!response.ok) throw new Error(answer === null ? 'status ' + response.status : answer.error);
  return answer;
}

/** Does something, and says what went wrong. */
function attempt(work) {
  return async (event) => {
    event?.preventDefault();
    try {
      await work(event);
    } catch (error) {
      say(error.message);
    }
  };
}

function entry(note) {
  const button = document.createElement('button');
  button.append(
    part('b', note.title),
    part('time', new Date(note.changed).toLocaleString()),
    part('span', note.text.slice(0, 120)),
  );
  button.addEventListener(
    'click',
    attempt(() => open(note.id)),
  );
  if (current !== null && note.id === current.id) button.setAttribute('aria-current', 'true');
  const item = document.createElement('li');
  item.append(button);
  return item;
}

async function list(older) {
  const turn = ++searching;
  const query = new URLSearchParams({ search: at('search').value });
  if (older) query.set('before', oldest);
  const { notes, more } = await ask('GET', '/notes?' + query);
  // A slow answer must not overwrite that to a later search.
  if (turn !== searching) return;
  if (!older) at('list').replaceChildren();
  at('list').append(...notes.map(entry));
  if (notes.length > 0) oldest = notes.at(-1).id;
  at('more').hidden = !more;
  at('empty').hidden = at('list').children.length > 0;
}

async function show(note) {
  current = note;
  at('title').value = note === null ? '' : note.title;
  at('text').value = note === null ? '' : note.text;
  at('remove').hidden = note === null;
  at('attached').hidden = note === null;
  at('files').replaceChildren();
  if (note !== null) await showFiles();
}

async function showFiles() {
  const base = '/notes/' + current.id + '/files';
  const names = await ask('GET', base);
  at('files').replaceChildren(
    ...names.map((name) => {
      const path = base + '/' + encodeURIComponent(name);
      const link = part('a', name);
      link.href = path;
      link.download = name;
      const remove = part('button', 'Remove');
      remove.type = 'button';
      remove.className = 'plain';
      remove.addEventListener(
        'click',
        attempt(async () => {
          await ask('DELETE', path);
          await showFiles();
        }),
      );
      const item = document.createElement('li');
      item.append(link, ' ', remove);
      return item;
    }),
  );
}

async function open(id) {
  await show(await ask('GET', '/notes/' + id));
  say('');
  await list(false);
}

at('edit').addEventListener(
  'submit',
  attempt(async () => {
    const body = JSON.stringify({ title: at('title').value, text: at('text').value });
    const note =
      current === null
        ? await ask('POST', '/notes', body, 'application/json')
        : await ask('PUT', '/notes/' + current.id, body, 'application/json');
    await show(note);
    say('Saved');
    await list(false);
  }),
);

at('remove').addEventListener(
  'click',
  attempt(async () => {
    await ask('DELETE', '/notes/' + current.id);
    await show(null);
    say('Deleted');
    await list(false);
  }),
);

at('file').addEventListener(
  'change',
  attempt(async () => {
    const [file] = at('file').files;
    if (file === undefined) return;
    await ask(
      'PUT',
      '/notes/' + current.id + '/files/' + encodeURIComponent(file.name),
      file,
      'application/octet-stream',
    );
    at('file').value = '';
    say('Attached');
    await showFiles();
  }),
);

at('add').addEventListener(
  'click',
  attempt(async () => {
    await show(null);
    say('');
    at('title').focus();
    await list(false);
  }),
);

at('search').addEventListener(
  'input',
  attempt(() => list(false)),
);
at('more').addEventListener(
  'click',
  attempt(() => list(true)),
);
attempt(() => list(false))();
