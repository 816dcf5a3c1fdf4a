// How systemd writes any text as the name of a unit; PBS names lock files and tasks so. Source: spec C.4.
import { FormatError } from "@pxar/format/errors";
import { shown } from "./shown.ts";

const UTF8 = new TextEncoder();
const DASH = 0x2d, SLASH = 0x2f, BACKSLASH = 0x5c;
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `/` becomes `-`; letters, digits, `_` and `.` stay, but no dot at the start; all else becomes `\xHH`, byte by byte. */
export function escapeUnit(text: string): string {
  return text.replace(
    /^\.|[^A-Za-z0-9_.]+/g,
    (part) =>
      part.replace(
        /[^/]+/g,
        (run) =>
          Array.from(
            UTF8.encode(run),
            (byte) => `\\x${byte.toString(16).padStart(2, "0")}`,
          ).join(""),
      ).replaceAll("/", "-"),
  );
}

/** The inverse; takes also what {@linkcode escapeUnit} would have left as it is. */
export function unescapeUnit(text: string): string {
  const escaped = UTF8.encode(text);
  const bytes = new Uint8Array(escaped.length);
  let length = 0;
  for (let i = 0; i < escaped.length; i++) {
    let byte = escaped[i]!;
    if (byte === DASH) byte = SLASH;
    else if (byte === BACKSLASH) {
      const code = String.fromCharCode(...escaped.subarray(i + 1, i + 4));
      if (!/^x[0-9A-Fa-f]{2}$/.test(code)) {
        refuse(text, "a backslash without x and two hex digits behind it");
      }
      byte = parseInt(code.slice(1), 16);
      i += 3;
    }
    bytes[length++] = byte;
  }
  try {
    return STRICT.decode(bytes.subarray(0, length));
  } catch {
    refuse(text, "bytes that are no UTF-8");
  }
}

function refuse(text: string, what: string): never {
  throw new FormatError(
    `Cannot read escaped name ${shown(text)}: it has ${what}, expected none`,
  );
}
