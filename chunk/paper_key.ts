/**
 * Paper keys: a key file, or the locked private half of a master key, to be printed and put away. Once as text that can be typed in again, and once as
 * QR codes. Text that is printed here has the official layout; the HTML page has one of its own around the same lines and QR codes.
 *
 * A key file's indented JSON stands between two markers, with one QR code of that JSON. A private key's lines are numbered, in blocks of 5 (HTML: 20)
 * with a QR code for each.
 *
 * Source: spec G.5.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import encodeQR from "qr";
import { encodeKeyFile, type KeyFile } from "./key_file.ts";
import { parsePem } from "./pem.ts";

/** What stands on the paper besides. */
export interface PaperKeyOptions {
  /** What the key is for: one line, the first one. */
  readonly subject?: string | undefined;
}

const BEGIN = "-----BEGIN PROXMOX BACKUP KEY-----";
const END = "-----END PROXMOX BACKUP KEY-----";
/** Lines of a private key that share a QR code. */
const TEXT_BLOCK = 5, HTML_BLOCK = 20;
/** Most letters that are read: some hundred pages. */
const TEXT_LIMIT = 1 << 20;
const PEM_BEGIN = /^-----BEGIN (?:ENCRYPTED|RSA) PRIVATE KEY-----$/;
const PEM_END = /^-----END (?:ENCRYPTED|RSA) PRIVATE KEY-----$/;
/** How much of a QR code may be lost: a seventh, as in official paper keys; and how many bytes the largest one then holds. */
const QR_LEVEL = "medium", QR_LIMIT = 2331;
/** Upper and lower half of a line of text: which of them is dark. */
const HALVES = [" ", "▄", "▀", "█"];

/** Lines with a QR code of their own. */
interface Block {
  readonly lines: readonly string[];
  /** What its QR code says. */
  readonly content: string;
}

/**
 * A paper key as text, for a printer with a fixed-width font.
 *
 * @param key A key file, or the PEM of a private key.
 * @param options What stands on the paper besides.
 * @returns Text; QR codes as half blocks, dark ones drawn; a form feed behind each block of a private key.
 * @throws {FormatError} If the PEM is no private key that is locked, or the key file is too long for a QR code.
 * @throws {RangeError} If the subject is not one line.
 */
export function paperKeyText(
  key: KeyFile | string,
  options: PaperKeyOptions = {},
): string {
  const subject = subjectLine(options);
  const blocks = blocksOf(key, TEXT_BLOCK, 2, " ");
  const after = typeof key === "string" ? "\n\f\n" : "\n";
  return (subject === undefined ? "" : `${subject}\n\n`) +
    blocks.map(({ lines, content }) =>
      `${lines.join("\n")}\n${qrText(content)}${after}`
    ).join("");
}

/**
 * A paper key as a page, for a browser's print command.
 *
 * @param key A key file, or the PEM of a private key.
 * @param options What stands on the paper besides.
 * @returns HTML that needs nothing else; QR codes as SVG; a page for each block of a private key.
 * @throws {FormatError} If the PEM is no private key that is locked, or the key file is too long for a QR code.
 * @throws {RangeError} If the subject is not one line.
 */
export function paperKeyHtml(
  key: KeyFile | string,
  options: PaperKeyOptions = {},
): string {
  const subject = subjectLine(options);
  const pages = blocksOf(key, HTML_BLOCK, 2, "0").map(({ lines, content }) =>
    `<section>
<pre>
${escapeHtml(lines.join("\n"))}
</pre>
${qrSvg(content)}
</section>
`
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Proxmox Backup Paperkey</title>
<style>
body { font-family: monospace; font-size: 9pt; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
section { break-inside: avoid; }
section + section { break-before: page; }
svg { display: block; width: 12cm; height: 12cm; margin: 1cm auto; }
</style>
</head>
<body>
${subject === undefined ? "" : `<p>${escapeHtml(subject)}</p>\n`}${
    pages.join("")
  }</body>
</html>
`;
}

/**
 * Takes a key off a paper that was typed in, scanned as text, or kept as a file: the inverse of {@linkcode paperKeyText} and
 * {@linkcode paperKeyHtml}.
 *
 * @param text Text or HTML, whatever stands around it.
 * @returns JSON of a key file, for {@linkcode decodeKeyFile}, or the PEM of a private key.
 * @throws {FormatError} If neither is there, or a line of a private key is missing.
 */
export function readPaperKey(text: string): string {
  if (text.length > TEXT_LIMIT) {
    throw unread(`it has ${text.length} letters`, `at most ${TEXT_LIMIT}`);
  }
  const page = /^\s*<(?:!DOCTYPE html|html)\b/i.test(text);
  const lines = (page ? unescapeHtml(text) : text).split(/[\r\n\f]+/);
  const begin = lines.findIndex((line) => line.trim() === BEGIN);
  if (begin < 0) return readNumbered(lines);
  const end = lines.findIndex((line, at) => at > begin && line.trim() === END);
  if (end < 0) throw unread(`the line ${BEGIN} has no end`, END);
  return lines.slice(begin + 1, end).join("\n");
}

function readNumbered(lines: readonly string[]): string {
  const found: string[] = [];
  for (const line of lines) {
    const numbered = /^\s*(\d{1,4}): *([!-~]+(?: [!-~]+)*)\s*$/.exec(line);
    if (numbered === null) continue;
    const [, number, content] = numbered;
    if (found.length === 0 && !PEM_BEGIN.test(content!)) continue;
    if (Number(number) !== found.length) {
      throw unread(
        `line ${number} stands where line ${found.length} should`,
        "all lines in their order",
      );
    }
    found.push(content!);
    if (PEM_END.test(content!)) return `${found.join("\n")}\n`;
  }
  throw found.length === 0
    ? unread(
      "there is no key in it",
      `a line ${BEGIN}, or numbered lines of a private key`,
    )
    : unread(
      `it ends with line ${found.length - 1}`,
      "-----END ENCRYPTED PRIVATE KEY-----",
    );
}

function unread(what: string, expected: string): FormatError {
  return new FormatError(
    `Cannot read paper key: ${what}, expected ${expected}`,
  );
}

function blocksOf(
  key: KeyFile | string,
  size: number,
  width: number,
  filler: string,
): Block[] {
  if (typeof key !== "string") {
    const content = encodeKeyFile(key, "pretty");
    const { length } = new TextEncoder().encode(content);
    if (length > QR_LIMIT) {
      throw new FormatError(
        `Cannot print key: the key file has ${length} bytes, expected at most ${QR_LIMIT}, which a QR code holds`,
      );
    }
    return [{ lines: [BEGIN, ...content.split("\n"), END], content }];
  }
  const { label, text, encrypted } = parsePem(key, "private key");
  if (
    label !== "ENCRYPTED PRIVATE KEY" &&
    !(label === "RSA PRIVATE KEY" && encrypted)
  ) {
    throw new FormatError(
      `Cannot print key: it is a block ${label}${
        label.endsWith("PRIVATE KEY") ? " without passphrase" : ""
      }, expected ENCRYPTED PRIVATE KEY`,
    );
  }
  const lines = text.trimEnd().split("\n");
  const blocks: Block[] = [];
  for (let from = 0; from < lines.length; from += size) {
    const some = lines.slice(from, from + size);
    blocks.push({
      lines: some.map((line, at) =>
        `${String(from + at).padStart(width, filler)}: ${line}`
      ),
      content: some.join("\n"),
    });
  }
  return blocks;
}

function subjectLine({ subject }: PaperKeyOptions): string | undefined {
  if (subject === undefined) return undefined;
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(subject)) {
    throw new RangeError(
      "Cannot print key: the subject has control characters, expected one line",
    );
  }
  return `Subject: ${subject}`;
}

function qrText(content: string): string {
  // The library draws no code without a quiet zone; on the paper, the paper is that.
  const dark = encodeQR(content, "raw", { ecc: QR_LEVEL, border: 1 })
    .slice(1, -1).map((row) => row.slice(1, -1));
  let text = "";
  for (let row = 0; row < dark.length; row += 2) {
    const upper = dark[row]!, lower = dark[row + 1];
    text += upper.map((one, at) =>
      HALVES[(one ? 2 : 0) + (lower?.[at] ? 1 : 0)]
    ).join("") + "\n";
  }
  return text;
}

function qrSvg(content: string): string {
  return encodeQR(content, "svg", { ecc: QR_LEVEL, border: 4 });
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function unescapeHtml(text: string): string {
  return text.replace(/<[^<>]*>/g, "\n").replace(
    /&(?:#(\d{1,7})|(amp|lt|gt|quot|apos));/g,
    (whole, code: string | undefined, name: string | undefined) => {
      if (name !== undefined) return NAMED[name] ?? whole;
      const point = Number(code);
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    },
  );
}

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};
