import { Row, quoteJSON } from "pulp-sdk-assemblyscript";

/** Digits that an id can have and still fit. */
const MAX_DIGITS: i32 = 18;

/** A note as JSON, from a row with its columns. */
export function noteJSON(row: Row): string {
  return `{"id":${row.int("id").toString()},"title":${quoteJSON(row.text("title"))},"text":${quoteJSON(row.text("text"))},` +
    `"created":${quoteJSON(isoTime(row.time("created")))},"changed":${quoteJSON(isoTime(row.time("changed")))}}`;
}

/** The id that a text says; 0, which no note has, when it says none. */
export function noteId(text: string): i64 {
  if (text.length == 0 || text.length > MAX_DIGITS) return 0;
  let id: i64 = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return 0;
    id = id * 10 + digit;
  }
  return id;
}

function isoTime(milliseconds: i64): string {
  return new Date(milliseconds).toISOString();
}
