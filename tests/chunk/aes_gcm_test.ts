import { createCipheriv } from "node:crypto";
import {
  type AesGcm,
  builtinAesGcm,
  openAesGcm,
  portableAesGcm,
} from "@pxar/chunk/aes_gcm";
import { hexOf } from "@pxar/chunk/digest";
import type { Bytes } from "@pxar/format/bytes";
import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { CODECS, hex, joined, shared } from "../support/codecs.ts";
import { input } from "../support/prng.ts";

const ALL = Object.entries(CODECS).map(([name, { aesGcm }]) =>
  [name, aesGcm] as const
);
const KEY = new Uint8Array(32).fill(9);
const IV = Uint8Array.from({ length: 16 }, (_, i) => i);
const HELLO = new TextEncoder().encode("hello");
const LARGE = input({ kind: "xorshift32", seed: 3, size: 300_001 });
/** On both sides of where another way is taken. */
const SIZES = [0, 1, 15, 16, 17, 4095, 4096, 4097, 65_537, 300_001];

/** What OpenSSL's cipher in node:crypto gives. */
function expected(key: Bytes, iv: Bytes, data: Uint8Array) {
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const out = Uint8Array.from(cipher.update(data));
  cipher.final();
  return { out, tag: Uint8Array.from(cipher.getAuthTag()) };
}

for (const [name, aes] of ALL) {
  Deno.test(`${name} AES-GCM: gives the value of the specification`, async () => {
    const out = new Uint8Array(5);
    const tag = await aes.seal(KEY, IV, HELLO, out);
    assertEquals(hexOf(tag), "2110f379489fd0eb64e5d1a4b430ca76");
    assertEquals(hexOf(out), "5e5607cb45");
    assertEquals(tag.buffer.byteLength, 16);
    const back = new Uint8Array(5);
    assert(await aes.open(KEY, IV, tag, out, back));
    assertEquals(back, HELLO);
  });

  Deno.test(`${name} AES-GCM: of every size, in place, in shared memory`, async () => {
    for (const size of SIZES) {
      const data = LARGE.slice(0, size);
      const should = expected(KEY, IV, data);
      const apart = new Uint8Array(size);
      const tag = await aes.seal(KEY, IV, data, apart);
      assertEquals(tag, should.tag);
      assert(same(apart, should.out));
      assert(same(data, LARGE.subarray(0, size)));
      for (const place of [data, shared(data)]) {
        assertEquals(await aes.seal(KEY, IV, place, place), tag);
        assert(same(place, apart));
        assert(await aes.open(KEY, IV, tag, place, place));
        assert(same(place, LARGE.subarray(0, size)));
      }
      // Not at the start of its memory.
      const odd = shared(joined(Uint8Array.of(1, 2, 3), data)).subarray(3);
      const there = new Uint8Array(size + 5).subarray(5);
      assertEquals(await aes.seal(KEY, IV, odd, there), tag);
      assert(await aes.open(KEY, IV, tag, there, odd));
      assert(same(odd, LARGE.subarray(0, size)));
    }
  });

  Deno.test(`${name} AES-GCM: finds every changed byte of data, tag, IV and key`, async () => {
    for (const size of [0, 5, 40, 5000]) {
      const data = LARGE.slice(0, size), sealed = new Uint8Array(size);
      const tag = await aes.seal(KEY, IV, data, sealed);
      const parts = { sealed, tag, iv: IV, key: KEY };
      for (const which of ["sealed", "tag", "iv", "key"] as const) {
        for (let i = 0; i < parts[which].length; i += size > 100 ? 997 : 1) {
          const changed = { ...parts, [which]: parts[which].slice() };
          changed[which]![i]! ^= 1 << i % 8;
          const out = new Uint8Array(size).fill(0xee);
          const { key, iv, tag, sealed } = changed;
          assertEquals(await aes.open(key, iv, tag, sealed, out), false);
          // Nothing that was not vouched for comes out.
          assert(out.every((byte) => byte === 0xee || byte === 0));
        }
      }
      assert(await aes.open(KEY, IV, tag, sealed, data));
    }
  });

  Deno.test(`${name} AES-GCM: refuses lengths that are not as they should be`, async () => {
    const n = (length: number) => new Uint8Array(length);
    const wrong: [Bytes, Bytes, Bytes, Bytes, Bytes][] = [
      [n(31), n(16), n(16), n(5), n(5)],
      [n(16), n(16), n(16), n(5), n(5)],
      [n(32), n(12), n(16), n(5), n(5)],
      [n(32), n(16), n(12), n(5), n(5)],
      [n(32), n(16), n(16), n(5), n(4)],
      [n(32), n(16), n(16), n(5), n(6)],
    ];
    for (const [key, iv, tag, data, out] of wrong) {
      const opening = async () => await aes.open(key, iv, tag, data, out);
      await assertRejects(opening, RangeError, "expected 32,16,16,5");
      if (tag.length !== 16) continue;
      const sealing = async () => await aes.seal(key, iv, data, out);
      await assertRejects(sealing, RangeError, "expected 32,16,16,5");
    }
  });

  Deno.test(`${name} AES-GCM: several at once, under several keys, do not mix`, async () => {
    const jobs = SIZES.map((size, i) => ({
      key: new Uint8Array(32).fill(i % 3),
      iv: new Uint8Array(16).fill(i),
      data: shared(LARGE.subarray(0, size)),
      out: new Uint8Array(size),
    }));
    const tags = await Promise.all(
      jobs.map(({ key, iv, data, out }) => aes.seal(key, iv, data, out)),
    );
    const good = await Promise.all(jobs.map(async ({ key, iv, out }, i) => {
      const should = expected(key, iv, LARGE.subarray(0, out.length));
      assertEquals(tags[i], should.tag);
      assert(same(out, should.out));
      return await aes.open(key, iv, tags[i]!, out, out);
    }));
    assert(good.every((one) => one));
    for (const { out } of jobs) {
      assert(same(out, LARGE.subarray(0, out.length)));
    }
  });

  Deno.test(`${name} AES-GCM: a key may change its bytes and is another one then`, async () => {
    const key = KEY.slice(), data = LARGE.slice(0, 5000);
    const out = new Uint8Array(5000);
    const tag = await aes.seal(key, IV, data, out);
    key[0]! ^= 1;
    assertEquals(await aes.open(key, IV, tag, out, data), false);
    key[0]! ^= 1;
    assert(await aes.open(key, IV, tag, out, data));
  });
}

Deno.test("every AES-GCM opens what any has sealed", async () => {
  const any = fc.record({
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    iv: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(9000).map((size) => LARGE.subarray(0, size)),
    ),
  });
  await fc.assert(
    fc.asyncProperty(any, async (one) => {
      const key = Uint8Array.from(one.key), iv = Uint8Array.from(one.iv);
      for (const [, sealing] of ALL) {
        const sealed = new Uint8Array(one.data.length);
        const tag = await sealing.seal(key, iv, one.data, sealed);
        for (const [, opening] of ALL) {
          const out = new Uint8Array(one.data.length);
          assert(await opening.open(key, iv, tag, sealed, out));
          assert(same(out, one.data));
        }
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("the blob of the specification opens by every AES-GCM", async () => {
  const tag = hex("2110f379489fd0eb64e5d1a4b430ca76");
  for (
    const aes of [
      builtinAesGcm()!,
      portableAesGcm(),
      await openAesGcm(),
      ...ALL.map(([, aes]) => aes),
    ]
  ) {
    const out = new Uint8Array(5);
    assert(await aes.open(KEY, IV, tag, hex("5e5607cb45"), out));
    assertEquals(out, HELLO);
  }
});

Deno.test("openAesGcm() takes what is lent", async () => {
  let calls = 0;
  const lent: AesGcm = {
    seal: () => (calls++, new Uint8Array(16)),
    open: () => (calls++, true),
  };
  const aes = await openAesGcm({ zstd: undefined, aesGcm: lent, module: "" });
  await aes.seal(KEY, IV, HELLO, new Uint8Array(5));
  assert(await aes.open(KEY, IV, new Uint8Array(16), HELLO, HELLO.slice()));
  assertEquals(calls, 2);
});

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
