/** What runs in the page. Whatever came from people is put in by `textContent`: it cannot become markup. */
export const SCRIPT: string = `'use strict';

const at = (id) => document.getElementById(id);
const LINES = 200;

let socket = null;
let name = '';
let wait = 500;

function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

function part(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function show(kind, who, text, time) {
  const log = at('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = document.createElement('li');
  line.className = kind;
  if (who === name && kind === 'message') line.classList.add('own');
  line.append(part('b', who), part('span', text), part('time', clock(time)));
  log.append(line);
  while (log.children.length > LINES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function state(text, on) {
  at('state').textContent = text;
  at('light').classList.toggle('on', on);
}

const receive = {
  welcome(event) {
    name = event.name;
    wait = 500;
    at('log').replaceChildren();
    for (const message of event.history) receive.message(message);
    state('You are ' + name + ', ' + event.online + ' online', true);
  },
  joined(event) {
    show('notice', event.name, 'joined', event.time);
    state('You are ' + name + ', ' + event.online + ' online', true);
  },
  left(event) {
    show('notice', event.name, 'left', event.time);
    state('You are ' + name + ', ' + event.online + ' online', true);
  },
  message(event) {
    show('message', event.name, event.text, event.time);
  },
  refused(event) {
    show('notice', 'Not sent:', event.reason, Date.now());
  },
};

function connect(asked) {
  const address = new URL('/ws?name=' + encodeURIComponent(asked), location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  state('Connecting', false);
  socket = new WebSocket(address);
  socket.addEventListener('message', ({ data }) => {
    const event = JSON.parse(data);
    if (Object.hasOwn(receive, event.type)) receive[event.type](event);
  });
  socket.addEventListener('close', () => {
    state('Connection lost, trying again', false);
    setTimeout(connect, wait, asked);
    wait = Math.min(wait * 2, 10000);
  });
}

at('join').addEventListener('submit', (event) => {
  event.preventDefault();
  at('join').hidden = true;
  at('say').hidden = false;
  at('text').focus();
  connect(at('name').value.trim());
});

at('say').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = at('text').value.trim();
  if (text === '' || socket === null || socket.readyState !== WebSocket.OPEN) return;
  socket.send(text);
  at('text').value = '';
});

at('look').addEventListener('submit', async (event) => {
  event.preventDefault();
  const city = at('city').value.trim();
  const place = at('weather');
  place.hidden = false;
  place.textContent = 'Asking';
  try {
    const answer = await fetch('/weather/' + encodeURIComponent(city));
    const text = await answer.text();
    place.textContent = answer.ok ? text : answer.status + ': ' + JSON.parse(text).error;
  } catch (error) {
    place.textContent = String(error);
  }
});

const feed = new EventSource('/events');
feed.addEventListener('ticker', ({ data }) => {
  const { online, messages, time } = JSON.parse(data);
  at('online').textContent = online;
  at('messages').textContent = messages;
  at('tick').textContent = new Date(time).toLocaleTimeString();
});
feed.addEventListener('message', ({ lastEventId }) => {
  at('messages').textContent = lastEventId;
});
`;
