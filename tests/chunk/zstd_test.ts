import { zstdCompressSync } from "node:zlib";
import {
  builtinZstd,
  openZstd,
  portableZstd,
  type Zstd,
} from "@pxar/chunk/zstd";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { CODECS, joined, shared } from "../support/codecs.ts";
import { input } from "../support/prng.ts";
import { readFrames } from "../../chunk/zstd_frames.ts";
import { frame, raw, run, skippable } from "../support/zstd_frames.ts";

const MIB = 2 ** 20, GIB = 2 ** 30;
const ZSTD = Object.entries(CODECS).map(([name, { zstd }]) =>
  [name, zstd] as const
);
const BLOCK = 2 ** 17;

const TEXT = input({ kind: "text", seed: 7, size: 300_000 });
const NOISE = input({ kind: "xorshift32", seed: 8, size: 200_000 });
const MIXED = joined(TEXT, NOISE, new Uint8Array(500_000), TEXT);
const SAMPLES: Readonly<Record<string, Bytes>> = {
  "one byte": Uint8Array.of(7),
  "a short text": TEXT.slice(0, 1000),
  "64 KiB of text": TEXT.slice(0, 65536),
  "one byte more": TEXT.slice(0, 65537),
  zeros: new Uint8Array(1_000_000),
  noise: NOISE,
  mixed: MIXED,
  nothing: new Uint8Array(0),
};

async function compressed(zstd: Zstd, data: Uint8Array): Promise<Bytes> {
  const out = new Uint8Array(data.length + 1024);
  const length = await zstd.compress(data, out);
  assert(length !== undefined);
  return out.slice(0, length);
}

async function content(
  zstd: Zstd,
  frames: Uint8Array,
  room: number,
): Promise<Bytes> {
  const out = new Uint8Array(room);
  return out.slice(0, await zstd.decompress(frames, out));
}

/** It has to be a `FormatError`, and maybe a certain one. */
async function refuses(
  zstd: Zstd,
  frames: Uint8Array,
  room: number,
  type: new (message: string) => Error = FormatError,
  message = "Cannot decompress",
): Promise<void> {
  await assertRejects(
    async () => await zstd.decompress(frames, new Uint8Array(room)),
    type,
    message,
  );
}

/** What a compressor writes that does not know the length beforehand. */
function unstated(data: Uint8Array, checksum = false): Bytes {
  return Uint8Array.from(
    zstdCompressSync(data, { params: { 100: 1, 201: checksum ? 1 : 0 } }),
  );
}

for (const [name, zstd] of ZSTD) {
  Deno.test(`${name} zstd: decompress() is the inverse of everybody's compress()`, async () => {
    for (const [other, { zstd: writer }] of Object.entries(CODECS)) {
      for (const [what, data] of Object.entries(SAMPLES)) {
        const back = await content(
          zstd,
          await compressed(writer, data),
          data.length,
        );
        assert(
          back.length === data.length && back.every((b, i) => b === data[i]),
          `${what} by ${other}`,
        );
      }
    }
  });

  Deno.test(`${name} zstd: frames state the length of their content`, async () => {
    for (const [what, data] of Object.entries(SAMPLES)) {
      const frame = await compressed(zstd, data);
      const descriptor = frame[4]!;
      assertEquals(frame.subarray(0, 4), Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd));
      assert((descriptor & 0xe0) !== 0, what);
      const width = [1, 2, 4, 8][descriptor >> 6]!;
      const at = (descriptor & 0x20) === 0 ? 6 : 5;
      let says = width === 2 ? 256 : 0;
      for (let i = 0; i < width; i++) says += frame[at + i]! * 256 ** i;
      assertEquals(says, data.length, what);
    }
  });

  Deno.test(`${name} zstd: shared memory will do on both sides`, async () => {
    for (const data of [TEXT.subarray(0, 5000), MIXED]) {
      const source = shared(joined(Uint8Array.of(1, 2, 3), data)).subarray(3);
      const frames = shared(new Uint8Array(data.length)).subarray(5);
      const length = await zstd.compress(source, frames);
      const out = shared(new Uint8Array(data.length + 7)).subarray(7);
      const back = await zstd.decompress(frames.subarray(0, length), out);
      assertEquals(back, data.length);
      assert(out.every((byte, i) => byte === data[i]));
    }
  });

  Deno.test(`${name} zstd: compress() gives undefined where there is no room, and writes nothing beyond`, async () => {
    for (const data of [TEXT.subarray(0, 3000), NOISE, MIXED]) {
      const length = (await compressed(zstd, data)).length;
      const memory = new Uint8Array(length + 100).fill(0xee);
      for (const room of [0, 1, 100, length >> 1, length - 1]) {
        const out = memory.subarray(0, room);
        assertEquals(await zstd.compress(data, out), undefined);
        assert(memory.subarray(room).every((byte) => byte === 0xee));
        memory.fill(0xee);
      }
    }
    const out = new Uint8Array(NOISE.length - 1);
    assertEquals(await zstd.compress(NOISE, out), undefined);
  });

  Deno.test(`${name} zstd: several at once do not mix`, async () => {
    const all = await Promise.all(
      Object.values(SAMPLES).map(async (data) => {
        const frames = await compressed(zstd, data);
        const back = await content(zstd, frames, data.length);
        return back.every((byte, i) => byte === data[i]);
      }),
    );
    assert(all.every((same) => same));
  });

  Deno.test(`${name} zstd: reads frames of every make`, async () => {
    const small = TEXT.subarray(0, 2000);
    for (const data of [small, MIXED]) {
      for (const checksum of [false, true]) {
        const back = await content(
          zstd,
          unstated(data, checksum),
          data.length + 1000,
        );
        assertEquals(back.length, data.length);
        assert(back.every((byte, i) => byte === data[i]));
      }
    }
    const one = await compressed(zstd, small), two = unstated(MIXED, true);
    const skip = skippable(Uint8Array.of(1, 2, 3));
    const many = joined(skip, one, skippable(NOISE), two, two, one, skip);
    const expected = joined(small, MIXED, MIXED, small);
    const back = await content(zstd, many, expected.length);
    assertEquals(back.length, expected.length);
    assert(back.every((byte, i) => byte === expected[i]));
    assertEquals(await content(zstd, skip, 0), new Uint8Array(0));
    assertEquals(
      await content(zstd, frame([raw(1, 2), run(9, 3), raw()]), 5),
      Uint8Array.of(1, 2, 9, 9, 9),
    );
    const empty = frame([raw()]);
    assertEquals(await content(zstd, empty, 0), new Uint8Array(0));
    assertEquals(
      await content(zstd, joined(empty, one, empty), 2000),
      small,
    );
  });

  Deno.test(`${name} zstd: refuses what is no frame`, async () => {
    const one = await compressed(zstd, TEXT.subarray(0, 500));
    await refuses(zstd, new Uint8Array(0), 500, TruncatedError);
    for (
      const garbage of [
        Uint8Array.of(0),
        new Uint8Array(100),
        new TextEncoder().encode("this is not zstd"),
        // Of an old version, which libzstd may know.
        Uint8Array.of(0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0),
      ]
    ) {
      await refuses(zstd, garbage, 500);
      await refuses(zstd, joined(one, garbage), 500);
      await refuses(zstd, joined(skippable(one), garbage), 500);
    }
  });

  Deno.test(`${name} zstd: refuses frames cut anywhere`, async () => {
    const frames = joined(
      unstated(TEXT.subarray(0, 300), true),
      skippable(Uint8Array.of(1, 2, 3)),
      await compressed(zstd, TEXT.subarray(0, 200)),
    );
    const whole = new Set([
      unstated(TEXT.subarray(0, 300), true).length,
      unstated(TEXT.subarray(0, 300), true).length + 11,
    ]);
    for (let end = 0; end < frames.length; end++) {
      if (whole.has(end)) continue;
      await refuses(zstd, frames.subarray(0, end), 500, TruncatedError);
    }
    const large = unstated(MIXED);
    for (const end of [5, 70_000, 150_000, large.length - 1]) {
      await refuses(zstd, large.subarray(0, end), MIXED.length, TruncatedError);
    }
  });

  Deno.test(`${name} zstd: refuses more than there is room for, and writes nothing beyond`, async () => {
    for (const data of [TEXT.subarray(0, 3000), MIXED]) {
      for (
        const frames of [await compressed(zstd, data), unstated(data)]
      ) {
        const memory = new Uint8Array(data.length + 100).fill(0xee);
        for (const room of [0, 1, data.length >> 1, data.length - 1]) {
          await assertRejects(
            async () => await zstd.decompress(frames, memory.subarray(0, room)),
            FormatError,
            `more than ${room} bytes`,
          );
          assert(memory.subarray(room).every((byte) => byte === 0xee));
          memory.fill(0xee);
        }
      }
    }
    // One compressed block of one literal: nothing tells from the outside how much it gives.
    const literal = Uint8Array.of(0x08, 0x61, 0x00);
    const one = frame([{ kind: 2, size: 3, bytes: literal }]);
    assertEquals(await content(zstd, one, 1), Uint8Array.of(0x61));
    await refuses(zstd, one, 0);
    const two = joined(unstated(MIXED), unstated(MIXED));
    await refuses(zstd, two, 2 * MIXED.length - 1);
  });

  Deno.test(`${name} zstd: finds damage that a checksum vouches for, at every byte`, async () => {
    const small = TEXT.subarray(0, 200);
    const frames = unstated(small, true);
    for (let i = 0; i < frames.length; i++) {
      for (const bit of [1, 8, 0x80]) {
        const damaged = frames.slice();
        damaged[i]! ^= bit;
        await sameOrRefused(zstd, damaged, small);
      }
    }
    const large = unstated(MIXED, true);
    for (let i = 0; i < 40; i++) {
      const damaged = large.slice();
      damaged[i * 7919 % large.length]! ^= 1 << i % 8;
      await sameOrRefused(zstd, damaged, MIXED);
    }
  });

  Deno.test(`${name} zstd: whatever bytes come in, only a FormatError comes out`, async () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }).map((bytes) =>
        joined(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), bytes)
      ),
      fc.uint8Array({ maxLength: 60 }).map((bytes) =>
        frame([{ kind: 2, size: bytes.length, bytes }])
      ),
    );
    await fc.assert(fc.asyncProperty(any, async (bytes) => {
      try {
        await zstd.decompress(bytes, new Uint8Array(1000));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }));
  });

  Deno.test(`${name} zstd: a bomb ends early, in bounded memory`, async () => {
    const pattern = new Uint8Array(64 * MIB);
    for (let at = 0; at < pattern.length; at += 3001) {
      pattern.set(NOISE.subarray(0, Math.min(3001, pattern.length - at)), at);
    }
    const bombs: Readonly<Record<string, Bytes>> = {
      "4 GiB of zeros in runs": frame(
        new Array(4 * GIB / BLOCK).fill(run(0, BLOCK)),
      ),
      "the same many times": joined(
        ...new Array(4000).fill(
          frame(new Array(30).fill(run(0, BLOCK))),
        ),
      ),
      "a content size of 4 GiB, and little of it": frame(
        new Array(1000).fill(run(0, BLOCK)),
        { says: 4 * GIB },
      ),
      "a content size of 2^64 - 1": frame([raw(1)], {
        says: 2 ** 64 - 2 ** 11,
      }),
      "a content size that one segment needs": frame([raw(1)], {
        descriptor: 0x20,
        says: 4 * GIB,
      }),
      "64 MiB of a pattern": unstated(pattern),
    };
    for (const [what, bomb] of Object.entries(bombs)) {
      for (const room of [0, 1000, 4 * MIB]) {
        const before = Deno.memoryUsage().rss;
        await refuses(zstd, bomb, room);
        const grown = Deno.memoryUsage().rss - before;
        assert(grown < 100 * MIB, `${what}: ${grown}`);
      }
    }
    // A window costs what comes out, not what it says; a window of more than 128 MiB is refused.
    for (const exponent of [18, 19, 21, 31]) {
      const before = Deno.memoryUsage().rss;
      await refuses(
        zstd,
        frame([raw(1)], { window: exponent << 3 }),
        1000,
        UnsupportedError,
        "window",
      );
      assert(Deno.memoryUsage().rss - before < 100 * MIB);
    }
    const wide = frame([raw(1), run(2, 3)], { window: 17 << 3 });
    assertEquals(await content(zstd, wide, 4), Uint8Array.of(1, 2, 2, 2));
  });

  Deno.test(`${name} zstd: refuses frames that say they are longer than they are`, async () => {
    for (const bytes of [1, 8, 2 ** 31, 2 ** 32 - 1]) {
      await refuses(zstd, skippable(raw().bytes, bytes), 9, TruncatedError);
    }
    const block = { kind: 2, size: 2 ** 17, bytes: NOISE.slice(0, 9) } as const;
    await refuses(zstd, frame([block]), 1000, TruncatedError);
    await refuses(
      zstd,
      frame([{ ...block, size: 2 ** 17 + 1 }]),
      1000,
      FormatError,
      "131073 bytes",
    );
    await refuses(
      zstd,
      frame([run(1, 2 ** 20)]),
      2 * MIB,
      FormatError,
      "block",
    );
    await refuses(zstd, frame([run(1, 9)], { says: 8 }), 99);
    await refuses(zstd, frame([run(1, 7)], { says: 8 }), 99);
    await refuses(
      zstd,
      frame([raw(1)], { descriptor: 8 }),
      99,
      UnsupportedError,
    );
    await refuses(
      zstd,
      frame([raw(1)], { dictionary: 7 }),
      99,
      UnsupportedError,
    );
    await refuses(
      zstd,
      frame([{ kind: 3, size: 1, bytes: Uint8Array.of(1) }]),
      99,
      FormatError,
      "kind 3",
    );
  });

  Deno.test(`${name} zstd: many frames are read, too many are refused`, async () => {
    const one = await compressed(zstd, TEXT.subarray(0, 40));
    const many = joined(...new Array(4096).fill(one));
    assertEquals(
      (await content(zstd, many, 40 * 4096)).length,
      40 * 4096,
    );
    await refuses(
      zstd,
      joined(many, one),
      40 * 4097,
      UnsupportedError,
      "more than 4096 frames",
    );
    // Very many blocks are no reason to refuse.
    const blocks = frame(new Array(20_000).fill(raw()).concat(run(5, 70_000)));
    const fives = await content(zstd, blocks, 70_000);
    assert(fives.length === 70_000 && fives.every((byte) => byte === 5));
    const empty = frame([raw()]);
    const flood = new Uint8Array(16 * MIB - 16 * MIB % empty.length);
    for (let at = 0; at < flood.length; at += empty.length) {
      flood.set(empty, at);
    }
    await refuses(zstd, flood, 100, UnsupportedError);
    const skip = skippable(new Uint8Array(0));
    for (let at = 0; at < flood.length; at += skip.length) {
      flood.set(skip.subarray(0, flood.length - at), at);
    }
    const skips = flood.subarray(0, flood.length - flood.length % skip.length);
    assertEquals(await content(zstd, skips, 0), new Uint8Array(0));
  });
}

Deno.test("readFrames() tells frames apart, and notes ends while they are few", () => {
  const few = frame([raw(1, 2), run(3, 4)], { checksum: new Uint8Array(4) });
  const claim = frame([raw(1)], { says: 1 });
  const skip = skippable(Uint8Array.of(1, 2));
  const small = frame([{ kind: 2, size: 9, bytes: new Uint8Array(9) }], {
    window: 0,
  });
  const start = skip.length + few.length;
  assertEquals(readFrames(joined(skip, few, claim, small), 7), {
    frames: [
      {
        start: skip.length,
        end: start,
        says: undefined,
        most: 6,
        ends: [6, 11, 15, 19].map((end) => skip.length + end),
      },
      {
        start,
        end: start + 18,
        says: 1,
        most: 1,
        ends: [start + 14, start + 18],
      },
      {
        start: start + 18,
        end: start + 36,
        says: undefined,
        most: 1024,
        ends: [start + 24, start + 36],
      },
    ],
    most: 6 + 1 + 1024,
  });
  const ends = (blocks: number) =>
    readFrames(frame(new Array(blocks).fill(raw())), 0).frames[0]!.ends;
  assertEquals(ends(2047)?.length, 2048);
  assertEquals(ends(2048), undefined);
  assertEquals(ends(20_000), undefined);
});

async function sameOrRefused(
  zstd: Zstd,
  frames: Uint8Array,
  data: Uint8Array,
): Promise<void> {
  const out = new Uint8Array(data.length + 1000);
  let length: number;
  try {
    length = await zstd.decompress(frames, out);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return;
  }
  const isSame = length === data.length &&
    data.every((byte, i) => byte === out[i]);
  assert(isSame || (frames[4]! & 4) === 0, "other bytes came out");
}

Deno.test("all zstd agree on random data", async () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc.uint8Array({ maxLength: 2000, max: 3 }),
    fc.tuple(fc.nat(200_000), fc.nat(255)).map(([size, byte]) =>
      joined(NOISE.subarray(0, size >> 3), new Uint8Array(size).fill(byte))
    ),
  );
  await fc.assert(
    fc.asyncProperty(any, async (data) => {
      for (const [, writer] of ZSTD) {
        const frames = await compressed(writer, data);
        for (const [, reader] of ZSTD) {
          const back = await content(reader, frames, data.length);
          assertEquals(back.length, data.length);
          assert(back.every((byte, i) => byte === data[i]));
        }
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("openZstd() takes what is lent, and else what is there", async () => {
  const data = TEXT.slice(0, 5000);
  const calls: string[] = [];
  const builtin = builtinZstd()!;
  const lent: Zstd = {
    compress: (data, out) => {
      calls.push("compress");
      return builtin.compress(data, out);
    },
    decompress: (frames, out) => {
      calls.push("decompress");
      return builtin.decompress(frames, out);
    },
  };
  const native = { zstd: lent, aesGcm: undefined, module: "" };
  const frames = await compressed(await openZstd(native), data);
  assertEquals(await content(await openZstd(native), frames, 5000), data);
  assertEquals(calls, ["compress", "decompress"]);
  // Whoever is lent never sees what was not looked at before.
  await refuses(await openZstd(native), frames.subarray(9), 5000);
  for (
    const bomb of [
      frame(new Array(2 ** 15).fill(run(0, BLOCK))),
      frame([run(0, 5)], { says: 4 * GIB }),
    ]
  ) await refuses(await openZstd(native), bomb, 5000);
  assertEquals(calls.length, 2);
  for (
    const zstd of [
      await openZstd(),
      await openZstd({ ...native, zstd: undefined }),
      portableZstd(),
    ]
  ) {
    assertEquals(await content(zstd, frames, 5000), data);
  }
  assertEquals(calls.length, 2);
});
