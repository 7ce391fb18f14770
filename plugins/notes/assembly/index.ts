import { Request, Response, config, del, failInit, get, log, onInit, post, put } from "pulp-sdk-assemblyscript";
import { failure, guarded } from "./answer";
import { attachmentNames, readAttachment, removeAttachment, removeAttachments, writeAttachment } from "./attachments";
import { Draft } from "./draft";
import { noteId } from "./note";
import { page } from "./page";
import { SCRIPT } from "./script";
import { createNote, deleteNote, findNote, findNotes, openStore, updateNote } from "./store";

/** Nothing but what this plugin serves: no markup that slips in can load or send anything elsewhere. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

let title: string = "";

onInit(() => {
  title = config.string("title", "Notes");
  const reason = openStore();
  if (reason.length != 0) failInit("the database: " + reason);
  else log.info("notes: ready, the page is at / of the host's address");
});

get("/", () => guarded(Response.html(page(title)).header("Content-Security-Policy", POLICY)));
get("/notes.js", () => guarded(new Response(200, "text/javascript; charset=utf-8", SCRIPT)));

get("/notes", (request) => findNotes(request.query.get("search"), noteId(request.query.get("before"))));
post("/notes", (request) => {
  const draft = Draft.of(request);
  return draft.refused !== null ? draft.refused : createNote(draft);
});

get("/notes/:id", (request) => findNote(idOf(request)));
put("/notes/:id", (request) => {
  const draft = Draft.of(request);
  return draft.refused !== null ? draft.refused : updateNote(idOf(request), draft);
});
del("/notes/:id", (request) => {
  const id = idOf(request);
  const response = deleteNote(id);
  if (response.status == 204) removeAttachments(id);
  return response;
});

get("/notes/:id/files", (request) => withNote(request, (id, name, body) => attachmentNames(id)));
put("/notes/:id/files/:name", (request) => withNote(request, (id, name, body) => writeAttachment(id, name, body)));
get("/notes/:id/files/:name", (request) => withNote(request, (id, name, body) => readAttachment(id, name)));
del("/notes/:id/files/:name", (request) => withNote(request, (id, name, body) => removeAttachment(id, name)));

function idOf(request: Request): i64 {
  return noteId(request.params.get("id"));
}

/** Does something with an attachment of a note that is there. */
function withNote(request: Request, act: (id: i64, name: string, body: Uint8Array) => Response): Response {
  const id = idOf(request);
  const note = findNote(id);
  if (note.status != 200) return note;
  return act(id, request.params.get("name"), request.body);
}
