/** What people write, made fit to be shown: escaping is the page's care, which makes text of it. */

/** Characters of a name. */
const MAX_NAME: i32 = 24;

/** A name: one line, no longer than names may be. Perhaps nothing is left of it. */
export function cleanName(text: string): string {
  const line = cleanLine(text);
  if (line.length <= MAX_NAME) return line;
  // Not between the halves of a character outside the basic plane.
  const end = (line.charCodeAt(MAX_NAME - 1) & 0xfc00) == 0xd800 ? MAX_NAME - 1 : MAX_NAME;
  return line.substring(0, end).trim();
}

/** One line without blanks around it: what breaks lines, or changes the direction of writing, becomes a blank. */
export function cleanLine(text: string): string {
  let from = 0;
  const parts: string[] = [];
  for (let i = 0; i < text.length; i++) {
    if (!isControl(text.charCodeAt(i))) continue;
    parts.push(text.substring(from, i));
    from = i + 1;
  }
  parts.push(text.substring(from));
  return parts.join(" ").trim();
}

function isControl(unit: i32): bool {
  if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return true;
  if (unit == 0x2028 || unit == 0x2029) return true;
  return (unit >= 0x202a && unit <= 0x202e) || (unit >= 0x2066 && unit <= 0x2069);
}
