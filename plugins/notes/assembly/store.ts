import { Response, bind, database, log, wallTime } from "pulp-sdk-assemblyscript";
import { answer, done, failure } from "./answer";
import { Draft } from "./draft";
import { noteJSON } from "./note";

/** Notes of one answer. */
const PAGE: i32 = 50;

/** Characters to search for. */
const MAX_SEARCH: i32 = 200;

// Ids are never used twice: the attachments of a note that is gone must not become another's.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS notes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  created DATETIME NOT NULL,
  changed DATETIME NOT NULL
)`;

/** Makes the table unless it is there. Gives the reason when it can't. */
export function openStore(): string {
  const result = database.exec(SCHEMA);
  if (result.ok) return "";
  const reason = database.error();
  return reason.length != 0 ? reason : "code " + result.code.toString();
}

/** The newest notes that have a text in them, older than a note unless that is 0. */
export function findNotes(search: string, before: i64): Response {
  if (search.length > MAX_SEARCH) return failure("a search has at most " + MAX_SEARCH.toString() + " characters", 400);
  const rows = database.query(
    "SELECT id, title, text, created, changed FROM notes WHERE (?1 = 0 OR id < ?1)" +
      " AND (title LIKE ?2 ESCAPE '\\' OR text LIKE ?2 ESCAPE '\\') ORDER BY id DESC LIMIT ?3",
    bind().int(before).text("%" + literal(search) + "%").int(PAGE + 1),
  );
  if (!rows.ok) return broken();
  const notes: string[] = [];
  for (let i = 0; i < min(rows.length, PAGE); i++) notes.push(noteJSON(rows.at(i)));
  return answer(`{"notes":[${notes.join(",")}],"more":${rows.length > PAGE ? "true" : "false"}}`);
}

/** One note. */
export function findNote(id: i64, status: i32 = 200): Response {
  const rows = database.query("SELECT id, title, text, created, changed FROM notes WHERE id = ?", bind().int(id));
  if (!rows.ok) return broken();
  const row = rows.first();
  return row !== null ? answer(noteJSON(row), status) : missing();
}

/** Adds a note, and gives it. */
export function createNote(draft: Draft): Response {
  const now = milliseconds();
  const result = database.exec(
    "INSERT INTO notes (title, text, created, changed) VALUES (?, ?, ?, ?)",
    bind().text(draft.title).text(draft.text).time(now).time(now),
  );
  if (!result.ok) return broken();
  const id = result.lastInsertId;
  return findNote(id, 201).header("Location", "/notes/" + id.toString());
}

/** Replaces what a note says, and gives it. */
export function updateNote(id: i64, draft: Draft): Response {
  const result = database.exec(
    "UPDATE notes SET title = ?, text = ?, changed = ? WHERE id = ?",
    bind().text(draft.title).text(draft.text).time(milliseconds()).int(id),
  );
  if (!result.ok) return broken();
  return result.rowsAffected == 0 ? missing() : findNote(id);
}

/** Removes a note: 204 when it is gone. */
export function deleteNote(id: i64): Response {
  const result = database.exec("DELETE FROM notes WHERE id = ?", bind().int(id));
  if (!result.ok) return broken();
  return result.rowsAffected == 0 ? missing() : done();
}

function missing(): Response {
  return failure("there is no such note", 404);
}

/** The client's answer has no details: they are the operator's. */
function broken(): Response {
  log.error("notes: the database: " + database.error());
  return failure("the database failed", 500);
}

/** A text as LIKE finds it, letter for letter. */
function literal(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("%", "\\%").replaceAll("_", "\\_");
}

function milliseconds(): i64 {
  return i64(wallTime() / 1_000_000);
}
