/** Escaping for what a plugin puts together by itself: without it, text from outside becomes markup or code. */

/** A string as JSON, quotes included. `<` is escaped as well, so that the result may stand in a script element. */
export function quoteJSON(text: string): string {
  const parts: string[] = ['"'];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c && unit != 0x3c && !isLone(text, i)) continue;
    parts.push(text.substring(from, i));
    parts.push(jsonEscape(unit));
    from = i + 1;
  }
  parts.push(text.substring(from));
  parts.push('"');
  return parts.join("");
}

function jsonEscape(unit: i32): string {
  switch (unit) {
    case 0x22: return '\\"';
    case 0x5c: return "\\\\";
    case 0x0a: return "\\n";
    case 0x0d: return "\\r";
    case 0x09: return "\\t";
    default: return "\\u" + unit.toString(16).padStart(4, "0");
  }
}

/** Whether the unit is half a surrogate pair without the other half, which UTF-8 cannot hold (RFC 8259, 8.2). */
function isLone(text: string, i: i32): bool {
  const unit = text.charCodeAt(i);
  if ((unit & 0xf800) != 0xd800) return false;
  if (unit < 0xdc00) return i + 1 >= text.length || (text.charCodeAt(i + 1) & 0xfc00) != 0xdc00;
  return i == 0 || (text.charCodeAt(i - 1) & 0xfc00) != 0xd800;
}

/** Text for HTML content and for attribute values in quotes. */
export function escapeHTML(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const entity = htmlEntity(text.charCodeAt(i));
    if (entity.length == 0) continue;
    parts.push(text.substring(from, i));
    parts.push(entity);
    from = i + 1;
  }
  parts.push(text.substring(from));
  return parts.join("");
}

function htmlEntity(unit: i32): string {
  switch (unit) {
    case 0x26: return "&amp;";
    case 0x3c: return "&lt;";
    case 0x3e: return "&gt;";
    case 0x22: return "&quot;";
    case 0x27: return "&#39;";
    default: return "";
  }
}
