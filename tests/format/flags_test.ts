import {
  CHATTR,
  CHATTR_MASK,
  chattrToFlags,
  FAT,
  FAT_MASK,
  fatToFlags,
  FLAGS,
  flagsToChattr,
  flagsToFat,
  INITIAL_CHATTR,
  NODUMP,
} from "@pxar/format/flags";
import fc from "fast-check";
import { assertEquals } from "../support/assert.ts";
import { SAFE } from "./record.ts";

Deno.test("the thirteen stored flags are the bits 13 to 25, each in one table", () => {
  const bits = Array.from({ length: 13 }, (_, i) => 0x2000 << i);
  assertEquals(
    Object.values(FLAGS),
    bits as typeof FLAGS[keyof typeof FLAGS][],
  );
  assertEquals(
    [...CHATTR, ...FAT].map((flag) => flag.stored).sort((a, b) => a - b),
    bits,
  );
  for (const flag of [...CHATTR, ...FAT]) {
    assertEquals(FLAGS[flag.name], flag.stored);
  }
});

Deno.test("flags have the numbers of Linux", () => {
  const names = (kernel: number) =>
    CHATTR.filter((flag) => flag.kernel & kernel).map((flag) => flag.name)
      .sort();
  assertEquals(names(0x20 | 0x80 | 0x4), ["APPEND", "COMPR", "NOATIME"]);
  assertEquals(names(0x80_0000 | 0x40 | 0x1_0000), [
    "DIRSYNC",
    "NOCOW",
    "NODUMP",
  ]);
  assertEquals(names(0x10 | 0x8 | 0x400 | 0x2000_0000), [
    "IMMUTABLE",
    "NOCOMP",
    "PROJINHERIT",
    "SYNC",
  ]);
  assertEquals(names(INITIAL_CHATTR), [
    "COMPR",
    "NOATIME",
    "NOCOMP",
    "NOCOW",
    "PROJINHERIT",
  ]);
  assertEquals(names(NODUMP), ["NODUMP"]);
  assertEquals(names(CHATTR_MASK).length, 10);
  assertEquals(FAT.map((flag) => [flag.name, flag.kernel]), [["HIDDEN", 2], [
    "SYSTEM",
    4,
  ], ["ARCHIVE", 0x20]]);
  assertEquals(FAT_MASK, 0x26);
});

Deno.test("chattr flags survive both ways; what is not stored is left out", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      SAFE,
      (kernel, flags) => {
        assertEquals(
          flagsToChattr(chattrToFlags(kernel)),
          kernel & CHATTR_MASK,
        );
        assertEquals(
          chattrToFlags(flagsToChattr(flags)),
          Number(BigInt(flags) & 0x3ff_0000n),
        );
      },
    ),
  );
});

Deno.test("FAT flags survive both ways; what is not stored is left out", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      SAFE,
      (kernel, flags) => {
        assertEquals(flagsToFat(fatToFlags(kernel)), kernel & FAT_MASK);
        assertEquals(
          fatToFlags(flagsToFat(flags)),
          Number(BigInt(flags) & 0xe000n),
        );
      },
    ),
  );
});

Deno.test("flags beyond 32 bits do not disturb the others", () => {
  assertEquals(flagsToChattr(2 ** 50 + FLAGS.IMMUTABLE), 0x10);
  assertEquals(flagsToFat(2 ** 32 + FLAGS.HIDDEN), 2);
});
