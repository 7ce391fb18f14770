import { Response, files, log, quoteJSON } from "pulp-sdk-assemblyscript";
import { answer, done, failure, guarded } from "./answer";

/** Characters of a name. */
const MAX_NAME: i32 = 100;

/** Attachments of one note. */
const MAX_FILES: i32 = 20;

/** Lets a file that opens in a browser after all do nothing there. */
const POLICY = "default-src 'none'; sandbox";

/** The names of a note's attachments. */
export function attachmentNames(id: i64): Response {
  const entries = files.list(folder(id));
  if (entries === null) return files.missing() ? answer("[]") : broken("list");
  const names: string[] = [];
  for (let i = 0; i < entries.length; i++) names.push(quoteJSON(entries[i].name));
  return answer("[" + names.join(",") + "]");
}

/** Stores an attachment, in place of one of the same name: 201 when it is new. */
export function writeAttachment(id: i64, name: string, body: Uint8Array): Response {
  if (!isName(name)) return badName();
  const path = folder(id) + "/" + name;
  const replaces = files.exists(path);
  if (!replaces) {
    const entries = files.list(folder(id));
    if (entries !== null && entries.length >= MAX_FILES) {
      return failure("a note has at most " + MAX_FILES.toString() + " files", 409);
    }
  }
  if (!files.write(path, body)) return files.code == 5 ? failure("there is no room for it", 507) : broken("write");
  return replaces ? done() : answer(`{"name":${quoteJSON(name)}}`, 201);
}

/** An attachment, to be saved: what it is, only its owner knows. */
export function readAttachment(id: i64, name: string): Response {
  if (!isName(name)) return badName();
  const bytes = files.read(folder(id) + "/" + name);
  if (bytes === null) return files.missing() ? missing() : broken("read");
  return guarded(Response.bytes(bytes))
    .header("Content-Disposition", "attachment")
    .header("Content-Security-Policy", POLICY);
}

/** Removes an attachment. */
export function removeAttachment(id: i64, name: string): Response {
  if (!isName(name)) return badName();
  if (files.remove(folder(id) + "/" + name)) return done();
  return files.missing() ? missing() : broken("remove");
}

/** Removes all attachments of a note that is gone. What stays behind is out of reach: no other note gets its id. */
export function removeAttachments(id: i64): void {
  if (!files.removeAll(folder(id))) log.error("notes: attachments of note " + id.toString() + ": " + files.error());
}

function folder(id: i64): string {
  return "notes/" + id.toString();
}

/**
 * Whether a name may become a file's. The host keeps paths within the plugin's folder; that a note's attachment
 * stays within its note is this plugin's own care.
 */
function isName(name: string): bool {
  if (name.length == 0 || name.length > MAX_NAME || name.charCodeAt(0) == 0x2e) return false;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    // Control characters, "/", "\", and what stands for bytes that were no UTF-8.
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f) || unit == 0x2f || unit == 0x5c || unit == 0xfffd) return false;
  }
  // The host's file systems count bytes.
  return String.UTF8.byteLength(name) <= 255;
}

function badName(): Response {
  return failure("a file's name has 1 to " + MAX_NAME.toString() + " characters, no slashes, and no dot in front", 400);
}

function missing(): Response {
  return failure("there is no such file", 404);
}

function broken(what: string): Response {
  log.error("notes: " + what + ": " + files.error());
  return failure("the files failed", 500);
}
