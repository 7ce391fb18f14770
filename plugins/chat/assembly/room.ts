import { Socket, log, quoteJSON, wallTime, websocket } from "pulp-sdk-assemblyscript";
import { feedMessage } from "./feed";
import { cleanLine, cleanName } from "./text";

/** Characters of a message. */
const MAX_TEXT: i32 = 500;

/** Messages that a newcomer sees. */
const MAX_HISTORY: i32 = 20;

/** Close code for a message of a kind that is not taken (RFC 6455, 7.4.1). */
const NOT_TAKEN: i32 = 1003;

/** Names by connection. */
const names = new Map<u64, string>();

/** The last messages, as JSON. */
const history: string[] = [];

let messages: u64 = 0;

const room = websocket("/ws");

room.onOpen((socket, request) => {
  const name = freeName(cleanName(request.query.get("name")), socket.id);
  names.set(socket.id, name);
  socket.send(`{"type":"welcome","name":${quoteJSON(name)},"online":${online().toString()},"history":[${history.join(",")}],"time":${now()}}`);
  tellOthers(socket, "joined", name);
});

room.onMessage((socket, message) => {
  if (!message.isText) {
    socket.close(NOT_TAKEN, "text only");
    return;
  }
  const text = cleanLine(message.text());
  if (text.length == 0 || text.length > MAX_TEXT) {
    socket.send(`{"type":"refused","reason":"a message has 1 to ${MAX_TEXT.toString()} characters"}`);
    return;
  }
  const json = `{"type":"message","name":${quoteJSON(names.get(socket.id))},"text":${quoteJSON(text)},"time":${now()}}`;
  messages++;
  history.push(json);
  if (history.length > MAX_HISTORY) history.shift();
  room.broadcast(json);
  feedMessage(json, messages);
});

room.onClose((socket, code, reason) => {
  const name = names.get(socket.id);
  names.delete(socket.id);
  log.info("chat: connection " + socket.id.toString() + " ended with " + code.toString());
  tellOthers(socket, "left", name);
});

/** How many people are connected. */
export function online(): i32 {
  return names.size;
}

/** How many messages there were since this instance began. */
export function said(): u64 {
  return messages;
}

/** Tells all but one that somebody came or went. */
function tellOthers(about: Socket, type: string, name: string): void {
  const json = `{"type":"${type}","name":${quoteJSON(name)},"online":${online().toString()},"time":${now()}}`;
  const sockets = room.sockets;
  for (let i = 0; i < sockets.length; i++) if (sockets[i] != about) sockets[i].send(json);
}

/** The name, or one like it that nobody else has. */
function freeName(name: string, id: u64): string {
  const taken = names.values();
  let free = name.length != 0 ? name : "guest-" + id.toString();
  while (taken.includes(free)) free += "-" + id.toString();
  return free;
}

/** Milliseconds since 1970. */
function now(): string {
  return (wallTime() / 1_000_000).toString();
}
