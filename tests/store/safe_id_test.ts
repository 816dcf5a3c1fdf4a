import { isSafeId, parseStoreName } from "@pxar/store/safe_id";
import { shown } from "@pxar/store/shown";
import { assert, assertEquals } from "../support/assert.ts";
import { NAMES } from "./names.ts";
import { takes } from "./vectors.ts";

Deno.test("isSafeId() takes what PBS takes as safe id, group id and archive name", () => {
  const { safeId, backupId, backupIdSchema, archiveNameSchema } =
    NAMES.accepted;
  for (
    const [text, wanted] of [
      ...safeId!,
      ...backupId!,
      ...backupIdSchema!,
      ...archiveNameSchema!,
    ]
  ) assertEquals(isSafeId(text), wanted, JSON.stringify(text));
});

Deno.test("parseStoreName() takes what PBS takes", () => {
  for (const [text, wanted] of NAMES.accepted.datastoreName!) {
    assertEquals(takes(parseStoreName, text), wanted, JSON.stringify(text));
    if (wanted) assertEquals(parseStoreName(text), text);
  }
});

Deno.test("shown() is one line of bounded length that steers no terminal", () => {
  assertEquals(shown("a"), '"a"');
  assertEquals(shown("a\nb\x1b[31m\u202e"), '"a\\nb\\x1b[31m\\u{202e}"');
  assert(shown("x".repeat(1e6)).length < 100);
  assertEquals(shown("\ud83d"), '"\ufffd"');
});
