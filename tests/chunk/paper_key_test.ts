// Paper keys: the official samples line by line, and every QR code read back.
import fc from "fast-check";
import { decodeQR } from "npm:qr@0.7.0/decode.js";
import { decodeKeyFile, encodeKeyFile } from "@pxar/chunk/key_file";
import {
  paperKeyHtml,
  paperKeyText,
  readPaperKey,
} from "@pxar/chunk/paper_key";
import { FormatError } from "@pxar/format/errors";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { keyText } from "./keys.ts";

/** Whether a line is part of a QR code. */
const QR_LINE = /^[ ▀▄█]+$/;
const PEM = keyText("master-private.pem");
const SUBJECT = "Key of elsa: test & <check>";

/** What a QR code of half blocks says. */
function readCode(lines: readonly string[]): string {
  const dark = lines.flatMap((line) => [
    [...line].map((letter) => letter === "▀" || letter === "█"),
    [...line].map((letter) => letter === "▄" || letter === "█"),
  ]);
  return readImage(dark, lines[0]!.length);
}

/** What a QR code says, drawn with four points a module and a quiet zone. */
function readImage(dark: readonly (readonly boolean[])[], size: number) {
  const scale = 4, border = 4;
  const width = (size + 2 * border) * scale;
  const data = new Uint8Array(width * width * 4).fill(255);
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const row = dark[Math.floor(y / scale) - border];
      if (row?.[Math.floor(x / scale) - border]) {
        data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
      }
    }
  }
  return decodeQR({ width, height: width, data }, {
    effort: 10,
    timeLimit: 10_000,
    textDecoder: (bytes) => new TextDecoder().decode(bytes),
  });
}

/** The runs of lines that are QR codes. */
function codes(text: string): string[][] {
  const runs: string[][] = [];
  let before = false;
  for (const line of text.split("\n")) {
    const is = QR_LINE.test(line);
    if (is && !before) runs.push([]);
    if (is) runs.at(-1)!.push(line);
    before = is;
  }
  return runs;
}

function withoutCodes(text: string): string {
  return text.split("\n").map((line) => QR_LINE.test(line) ? "#" : line)
    .join("\n").replace(/#(?:\n#)+/g, "#");
}

const KEY_FILES = [
  ["paperkey-none.txt", "none.json"],
  ["paperkey-scrypt-unicode-hint.txt", "scrypt-unicode-hint.json"],
] as const;

/** Times are written by the clock here. */
function timeless(text: string): string {
  return text.replace(/"(created|modified)": "[^"]*"/g, "$1");
}

for (const [sample, name] of KEY_FILES) {
  Deno.test(`paperKeyText() writes ${sample}`, () => {
    const official = keyText(sample);
    const file = decodeKeyFile(keyText(name));
    const text = paperKeyText(file, { subject: SUBJECT });
    assertEquals(
      timeless(withoutCodes(text)),
      timeless(withoutCodes(official)),
    );
    const [ours, theirs] = [codes(text), codes(official)];
    assertEquals([ours.length, theirs.length], [1, 1]);
    assertEquals(
      timeless(readCode(ours[0]!)),
      timeless(readCode(theirs[0]!)),
    );
    assertEquals(readCode(ours[0]!), encodeKeyFile(file, "pretty"));
    assertEquals(ours[0]!.length, theirs[0]!.length);
    assertEquals(decodeKeyFile(readPaperKey(official)), file);
  });
}

Deno.test("paperKeyText() writes paperkey-master-private.txt", () => {
  const official = keyText("paperkey-master-private.txt");
  const text = paperKeyText(PEM);
  assertEquals(withoutCodes(text), withoutCodes(official));
  const [ours, theirs] = [codes(text), codes(official)];
  assertEquals(ours.map(readCode), theirs.map(readCode));
  assertEquals(
    ours.map(readCode).join("\n") + "\n",
    PEM,
  );
  assertEquals(readPaperKey(official), PEM);
  assert(
    paperKeyText(PEM, { subject: "a" }).startsWith("Subject: a\n\n 0: -----"),
  );
});

/** What an SVG of the library says: rectangles and paths of whole modules. */
function readSvg(svg: string): string {
  const size = Number(/viewBox="0 0 (\d+) \d+"/.exec(svg)![1]);
  const dark = Array.from({ length: size }, () => Array(size).fill(false));
  // Paths of unit squares: M x y, then h1 v1 h-1 z or the like; runs are `h n`.
  const path = /<path d="([^"]*)"/.exec(svg)![1]!;
  let x = 0, y = 0;
  let points: [number, number][] = [];
  const edges: (readonly [number, number, number])[] = [];
  const steps = path.matchAll(/([MmHhVvZz])\s*(-?[\d.]+)?[\s,]*(-?[\d.]+)?/g);
  const close = () => {
    const [first] = points;
    if (first) [x, y] = first;
    points = [];
  };
  for (const [, letter, a, b] of steps) {
    const from = y;
    if (letter === "M") [x, y] = [Number(a), Number(b)];
    else if (letter === "m") [x, y] = [x + Number(a), y + Number(b)];
    else if (letter === "H") x = Number(a);
    else if (letter === "h") x += Number(a);
    else if (letter === "V") y = Number(a);
    else if (letter === "v") y += Number(a);
    else {
      const start = points[0]![1];
      if (start !== from) edges.push([x, from, start]);
      close();
      continue;
    }
    if (/[Vv]/.test(letter!)) edges.push([x, from, y]);
    points.push([x, y]);
  }
  // A module is dark where an odd number of upright edges lies to its left.
  for (const [at, from, to] of edges) {
    for (let row = Math.min(from, to); row < Math.max(from, to); row++) {
      for (let column = at; column < size; column++) {
        dark[row]![column] = !dark[row]![column];
      }
    }
  }
  return readImage(dark, size);
}

Deno.test("paperKeyHtml() has the same key and the same code", () => {
  for (const [, name] of KEY_FILES) {
    const file = decodeKeyFile(keyText(name));
    const page = paperKeyHtml(file, { subject: SUBJECT });
    assert(page.startsWith("<!DOCTYPE html>\n"));
    assert(page.includes("Subject: Key of elsa: test &#38; &#60;check&#62;"));
    assertEquals(decodeKeyFile(readPaperKey(page)), file);
    const svgs = page.match(/<svg[\s\S]*?<\/svg>/g)!;
    assertEquals(svgs.map(readSvg), [encodeKeyFile(file, "pretty")]);
  }
});

Deno.test("paperKeyHtml() numbers a private key's lines, twenty to a code", () => {
  const page = paperKeyHtml(PEM);
  assert(page.includes("\n00: -----BEGIN ENCRYPTED PRIVATE KEY-----\n01: "));
  assertEquals(readPaperKey(page), PEM);
  const svgs = page.match(/<svg[\s\S]*?<\/svg>/g)!;
  const contents = svgs.map((svg) => readSvg(svg));
  assertEquals(contents.join("\n") + "\n", PEM);
  assertEquals(contents.map((one) => one.split("\n").length), [20, 20, 14]);
});

Deno.test("readPaperKey() reads what was scanned, whatever stands around it", () => {
  const file = decodeKeyFile(keyText("scrypt.json"));
  const text = paperKeyText(file);
  for (
    const changed of [
      text.replaceAll("\n", "\r\n"),
      `page 1\n${text}\npage 2`,
      text.replaceAll("\n", "\n  "),
      text.replaceAll(/^[ ▀▄█]+$/gm, ""),
    ]
  ) assertEquals(decodeKeyFile(readPaperKey(changed)), file);
  const lines = paperKeyText(PEM).split("\n");
  const bare = lines.filter((line) => /^ ?\d+: /.test(line));
  assertEquals(readPaperKey(bare.join("\n")), PEM);
  assertEquals(readPaperKey(bare.join("\r\n  ")), PEM);
});

Deno.test("readPaperKey() misses no line", () => {
  const lines = paperKeyText(PEM).split("\n").filter((line) =>
    /^ ?\d+: /.test(line)
  );
  for (let at = 0; at < lines.length; at++) {
    assertThrows(() => readPaperKey(lines.toSpliced(at, 1).join("\n")));
    if (at === 0) continue;
    assertThrows(
      () => readPaperKey(lines.toSpliced(at, 1).join("\n")),
      FormatError,
      at === lines.length - 1 ? "it ends with line" : `where line ${at} should`,
    );
  }
  const text = paperKeyText(decodeKeyFile(keyText("none.json")));
  assertThrows(() => readPaperKey(""), FormatError, "there is no key in it");
  assertThrows(
    () => readPaperKey(text.replace("-----END", "----END")),
    FormatError,
    "has no end",
  );
  assertThrows(
    () => readPaperKey("x".repeat(1 << 21)),
    FormatError,
    "letters",
  );
});

Deno.test("readPaperKey() on random texts ends in a FormatError or a text", () => {
  fc.assert(fc.property(
    fc.array(fc.oneof(
      fc.string(),
      fc.constantFrom(
        "<html>",
        "-----BEGIN PROXMOX BACKUP KEY-----\n",
        "-----END PROXMOX BACKUP KEY-----\n",
        "&#1114112;",
        "0: -----BEGIN RSA PRIVATE KEY-----\n",
        "1: x\n",
        "<",
      ),
    )),
    (parts) => {
      try {
        assertEquals(typeof readPaperKey(parts.join("")), "string");
      } catch (error) {
        assert(error instanceof FormatError, String(error));
      }
    },
  ));
});

Deno.test("paperKeyText() and paperKeyHtml() refuse what must not go on paper", () => {
  const file = decodeKeyFile(keyText("none.json"));
  for (const print of [paperKeyText, paperKeyHtml]) {
    for (const subject of ["a\nb", "\u2028", "\x00"]) {
      assertThrows(() => print(file, { subject }), RangeError, "one line");
    }
    assertThrows(
      () => print(keyText("master-public.pem")),
      FormatError,
      "it is a block PUBLIC KEY",
    );
    assertThrows(
      () => print(PEM.replaceAll("ENCRYPTED ", "")),
      FormatError,
      "PRIVATE KEY without passphrase",
    );
    assertThrows(() => print("hello"), FormatError, "it is not PEM");
    const salt = new Uint8Array(2000);
    assertThrows(
      () => print({ ...file, kdf: { kind: "pbkdf2", iterations: 1, salt } }),
      FormatError,
      "which a QR code holds",
    );
  }
});
