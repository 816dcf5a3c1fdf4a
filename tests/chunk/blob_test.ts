import {
  BLOB_MAGICS,
  type BlobKind,
  decodeBlob,
  headerSize,
  joinBlob,
  MAX_BLOB,
  openBlob,
  parseBlob,
  sealBlob,
} from "@pxar/chunk/blob";
import { openCodecs } from "@pxar/chunk/codecs";
import { crc32 } from "@pxar/chunk/crc32";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { Scratch } from "@pxar/chunk/scratch";
import { type Bytes, ByteWriter } from "@pxar/format/bytes";
import {
  FormatError,
  IntegrityError,
  KeyError,
  PxarError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { CODECS, hex, joined, shared } from "../support/codecs.ts";
import { input, type InputSpec, sha256Hex } from "../support/prng.ts";
import { frame, run } from "../support/zstd_frames.ts";

interface Case {
  readonly file: string;
  readonly fileSha256: string;
  readonly fileSize: number;
  readonly kind:
    | "uncompressed"
    | "compressed"
    | "encrypted"
    | "encrypted-compressed";
  readonly encrypt: boolean;
  readonly compressAsked: boolean;
  readonly crc: string;
  readonly digest: string;
  readonly input: InputSpec;
  readonly inputSha256: string;
}
interface ReaderCase {
  readonly name: string;
  /** In hex. */
  readonly file: string;
  readonly key: "none" | "right" | "other";
  readonly digest?: string;
  readonly ok?: { readonly sha256: string; readonly size: number };
  readonly error?: string;
  readonly stage?: "load" | "decode";
}
interface Vectors {
  readonly cases: readonly Case[];
  readonly reader: readonly ReaderCase[];
  readonly key: string;
  readonly otherKey: string;
  readonly limit: {
    readonly maxPlain: number;
    readonly atMax: number;
    readonly aboveMax: string;
  };
}

const FOLDER = new URL("../vectors/store/blobs/", import.meta.url);
const VECTORS: Vectors = JSON.parse(
  Deno.readTextFileSync(new URL("blobs.json", FOLDER)),
);
const KEY = CryptKey.of(hex(VECTORS.key));
const KEYS = {
  none: undefined,
  right: KEY,
  other: CryptKey.of(hex(VECTORS.otherKey)),
} as const;
const KINDS: Readonly<Record<Case["kind"], BlobKind>> = {
  uncompressed: "plain",
  compressed: "zstd",
  encrypted: "encrypted",
  "encrypted-compressed": "encrypted-zstd",
};
const TEXT = input({ kind: "text", seed: 5, size: 3000 });
const NOISE = input({ kind: "xorshift32", seed: 6, size: 3000 });
const MIXED = joined(TEXT, NOISE, new Uint8Array(100_000), TEXT, NOISE);

/** A blob of any body, with the right CRC. */
function blobOf(
  kind: BlobKind,
  body: Uint8Array,
  iv = new Uint8Array(16),
  tag = new Uint8Array(16),
): Bytes {
  const crc = new ByteWriter(new Uint8Array(4));
  crc.u32(crc32(body));
  const isPlain = headerSize(kind) === 12;
  return joined(
    BLOB_MAGICS[kind],
    crc.written,
    isPlain ? new Uint8Array(0) : joined(iv, tag),
    body,
  );
}

/** An encrypted blob of any body, with the right tag. */
async function encrypted(kind: BlobKind, body: Uint8Array): Promise<Bytes> {
  const iv = new Uint8Array(16).fill(1), sealed = new Uint8Array(body.length);
  const { aesGcm } = await openCodecs();
  const tag = await aesGcm.seal(KEY.key, iv, body, sealed);
  return blobOf(kind, sealed, iv, tag);
}

Deno.test("magic numbers are the start of the SHA-256 of their texts", () => {
  const texts: Readonly<Record<BlobKind, string>> = {
    plain: "Proxmox Backup uncompressed blob v1.0",
    zstd: "Proxmox Backup zstd compressed blob v1.0",
    encrypted: "Proxmox Backup encrypted blob v1.0",
    "encrypted-zstd": "Proxmox Backup zstd compressed encrypted blob v1.0",
  };
  for (const [kind, text] of Object.entries(texts)) {
    const digest = sha256Hex(new TextEncoder().encode(text));
    assertEquals(hexOf(BLOB_MAGICS[kind as BlobKind]), digest.slice(0, 16));
  }
});

for (const [name, codecs] of Object.entries(CODECS)) {
  Deno.test(`${name}: every official blob opens`, async () => {
    assertEquals(VECTORS.cases.length, 40);
    for (const row of VECTORS.cases) {
      const blob = Deno.readFileSync(new URL(row.file, FOLDER));
      assertEquals(sha256Hex(blob), row.fileSha256);
      assertEquals(blob.length, row.fileSize);
      const data = input(row.input, row.inputSha256);
      const parsed = parseBlob(blob);
      assertEquals(parsed.kind, KINDS[row.kind], row.file);
      // The file shows it as the bytes have it, or as the number they stand for.
      assertEquals(parsed.crc.toString(16).padStart(8, "0"), row.crc);
      const key = row.encrypt ? KEY : undefined;
      const digest = digestOf(data, key);
      assertEquals(hexOf(digest), row.digest);
      const options = {
        codecs,
        digest,
        size: data.length,
        key: KEY,
        encrypted: row.encrypt,
      };
      assertEquals(await openBlob(blob, options), data, row.file);
      const into = shared(new Uint8Array(data.length));
      const opened = await openBlob(shared(blob), { ...options, into });
      assert(opened === into);
      assertEquals(Uint8Array.from(into), data, row.file);
      assertEquals(await decodeBlob(blob, { codecs, key, digest }), data);
    }
  });

  Deno.test(`${name}: our blobs are the official ones where nothing is random, and open`, async () => {
    const scratch = new Scratch();
    for (const row of VECTORS.cases) {
      const data = input(row.input);
      const key = row.encrypt ? KEY : undefined;
      const options = { codecs, key, compress: row.compressAsked };
      const sealed = await sealBlob(data, { ...options, scratch });
      const blob = joinBlob(sealed);
      assertEquals(sealed.size, blob.length);
      assertEquals(sealed.kind, parseBlob(blob).kind);
      const official = Deno.readFileSync(new URL(row.file, FOLDER));
      if (KINDS[row.kind] === "plain" && sealed.kind === "plain") {
        assertEquals(blob, official, row.file);
      }
      // Compressed where the official one is; where that saves some bytes only, either form will do.
      const saved = data.length + headerSize(sealed.kind) - official.length;
      if (saved === 0 || saved >= 9) {
        assertEquals(sealed.kind, KINDS[row.kind], row.file);
      }
      assert(blob.length <= data.length + headerSize(sealed.kind));
      const digest = digestOf(data, key);
      assertEquals(hexOf(digest), row.digest);
      for (const reader of Object.values(CODECS)) {
        const opened = await openBlob(blob, {
          codecs: reader,
          digest,
          size: data.length,
          key,
          encrypted: row.encrypt,
        });
        assertEquals(opened, data, row.file);
      }
    }
  });

  Deno.test(`${name}: reads what the official reader reads, and refuses what it refuses`, async () => {
    assertEquals(VECTORS.reader.length, 43);
    for (const row of VECTORS.reader) {
      const blob = hex(row.file), key = KEYS[row.key];
      const digest = row.digest === undefined ? undefined : hex(row.digest);
      const decoded = () => decodeBlob(blob, { codecs, key, digest });
      if (row.ok !== undefined) {
        const data = await decoded();
        assertEquals(data.length, row.ok.size, row.name);
        assertEquals(sha256Hex(data), row.ok.sha256, row.name);
        const opened = await openBlob(blob, {
          codecs,
          key,
          digest: digest ?? digestOf(data, parseBlob(blob).iv && key),
          size: data.length,
        });
        assertEquals(opened, data, row.name);
        continue;
      }
      const error = await assertRejects(decoded, PxarError, "", row.name);
      if (row.stage === "load") {
        assertThrows(() => parseBlob(blob), PxarError, "", row.name);
      } else parseBlob(blob);
      const isMissing = row.error?.includes("missing CryptConfig");
      if (isMissing) assertInstanceOf(error, KeyError, row.name);
      if (/wrong digest|CRC|OpenSSL/.test(row.error!)) {
        assertInstanceOf(error, IntegrityError, row.name);
      }
      await assertRejects(
        () =>
          openBlob(blob, {
            codecs,
            key,
            digest: digest ?? new Uint8Array(32),
            size: 100,
          }),
        PxarError,
        "",
        row.name,
      );
    }
  });

  Deno.test(`${name}: sealed blobs open, whatever is in them`, async () => {
    const any = fc.record({
      data: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300, max: 2 }),
        fc.nat(MIXED.length).map((size) => MIXED.subarray(0, size)),
        fc.nat(3000).map((at) => MIXED.subarray(at, at + 70_000)),
      ),
      isEncrypted: fc.boolean(),
      compress: fc.boolean(),
      isShared: fc.boolean(),
    });
    const scratch = new Scratch(), opening = new Scratch();
    await fc.assert(
      fc.asyncProperty(any, async (one) => {
        const { isEncrypted, compress, isShared } = one;
        const data = isShared ? shared(one.data) : one.data;
        const key = isEncrypted ? KEY : undefined;
        const options = { codecs, key, compress };
        const fresh = await sealBlob(data, options);
        const kept = joinBlob(await sealBlob(data, { ...options, scratch }));
        assertEquals(Uint8Array.from(data), Uint8Array.from(one.data));
        for (const blob of [joinBlob(fresh), kept]) {
          const size = data.length, digest = digestOf(data, key);
          const into = isShared
            ? shared(new Uint8Array(size))
            : new Uint8Array(size);
          const how = { codecs, digest, size, key, encrypted: isEncrypted };
          const back = await openBlob(blob, how);
          await openBlob(blob, { ...how, into, scratch: opening });
          assertEquals(back, Uint8Array.from(one.data));
          assertEquals(Uint8Array.from(into), back);
          assertEquals(await decodeBlob(blob, { codecs, key, digest }), back);
        }
      }),
      { numRuns: 60 },
    );
  });

  Deno.test(`${name}: a blob cut anywhere, longer, or with any byte changed is refused, or gives the same`, async () => {
    const data = TEXT.subarray(0, 200);
    for (const key of [undefined, KEY]) {
      for (const compress of [false, true]) {
        const blob = joinBlob(await sealBlob(data, { codecs, key, compress }));
        const options = {
          codecs,
          digest: digestOf(data, key),
          size: data.length,
          key: KEY,
        };
        const refused = async (bytes: Uint8Array) => {
          await assertRejects(() => openBlob(bytes, options), PxarError);
        };
        for (let end = 0; end < blob.length; end++) {
          await refused(blob.subarray(0, end));
        }
        await refused(joined(blob, Uint8Array.of(0)));
        for (let i = 0; i < blob.length; i++) {
          for (const bit of [1, 0x10, 0x80]) {
            const changed = blob.slice();
            changed[i]! ^= bit;
            await refused(changed);
            // With a CRC that fits, as somebody would write it who knows how.
            const body = changed.subarray(headerSize(parseBlob(blob).kind));
            const view = new DataView(changed.buffer);
            const before = view.getUint32(8, true);
            view.setUint32(8, crc32(body), true);
            let opened: Uint8Array;
            try {
              opened = await openBlob(changed, options);
            } catch (error) {
              if (!(error instanceof PxarError)) throw error;
              continue;
            }
            assertEquals(opened, data, `byte ${i}, CRC was ${before}`);
          }
        }
      }
    }
  });

  Deno.test(`${name}: whatever bytes come in, only a PxarError comes out`, async () => {
    const kinds = Object.keys(BLOB_MAGICS) as BlobKind[];
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.record({
        kind: fc.constantFrom(...kinds),
        body: fc.uint8Array({ maxLength: 100 }),
      }).map(({ kind, body }) => blobOf(kind, body)),
    );
    await fc.assert(fc.asyncProperty(any, async (blob) => {
      const digest = new Uint8Array(32);
      for (
        const opening of [
          () => openBlob(blob, { codecs, digest, size: 50, key: KEY }),
          () => openBlob(blob, { codecs, digest, size: 50 }),
          () => decodeBlob(blob, { codecs, digest, key: KEY }),
        ]
      ) {
        await assertRejects(opening, PxarError);
      }
      try {
        await decodeBlob(blob, { codecs });
      } catch (error) {
        if (!(error instanceof PxarError)) throw error;
      }
    }));
  });

  Deno.test(`${name}: a bomb ends early, whether its length is known or not`, async () => {
    const bomb = frame(new Array(2 ** 15).fill(run(0, 2 ** 17)));
    const claim = frame([run(0, 5)], { says: 2 ** 32 });
    for (const body of [bomb, claim]) {
      for (
        const blob of [
          blobOf("zstd", body),
          await encrypted("encrypted-zstd", body),
        ]
      ) {
        const before = Deno.memoryUsage().rss;
        const digest = new Uint8Array(32);
        const refused = async (opening: () => Promise<unknown>) => {
          await assertRejects(opening, FormatError, "more than");
        };
        await refused(() =>
          openBlob(blob, { codecs, digest, size: 5, key: KEY })
        );
        await refused(() => decodeBlob(blob, { codecs, key: KEY }));
        await refused(() => decodeBlob(blob, { codecs, key: KEY, limit: 5 }));
        assert(Deno.memoryUsage().rss - before < 100 * 2 ** 20);
      }
    }
    // One that claims nothing costs what its blocks may hold, not the limit.
    const small = blobOf("zstd", frame([run(7, 5)]));
    assertEquals(
      await decodeBlob(small, { codecs, limit: 2 ** 40 }),
      new Uint8Array(5).fill(7),
    );
  });
}

Deno.test("the blobs of the specification", async () => {
  const codecs = await openCodecs();
  const hello = new TextEncoder().encode("hello");
  const key = CryptKey.of(new Uint8Array(32).fill(9));
  const plain = hex("42ab3807be8370a1 86a61036 68656c6c6f");
  const sealed = hex(
    `7b6785be222d4cf0 d67b9084 000102030405060708090a0b0c0d0e0f
     2110f379489fd0eb64e5d1a4b430ca76 5e5607cb45`,
  );
  assertEquals(joinBlob(await sealBlob(hello, { codecs })), plain);
  for (const [blob, by] of [[plain, undefined], [sealed, key]] as const) {
    const digest = digestOf(hello, by);
    const opened = await openBlob(blob, { codecs, digest, size: 5, key: by });
    assertEquals(opened, hello);
  }
  assertEquals(parseBlob(sealed).iv, sealed.slice(12, 28));
  assertEquals(parseBlob(sealed).tag, sealed.slice(28, 44));
  assertEquals(headerSize("plain"), 12);
  assertEquals(headerSize("zstd"), 12);
  assertEquals(headerSize("encrypted"), 44);
  assertEquals(headerSize("encrypted-zstd"), 44);
});

Deno.test("sealBlob() takes 128 MiB and not one byte more", async () => {
  const codecs = await openCodecs();
  const { maxPlain } = VECTORS.limit;
  assertEquals(maxPlain, MAX_BLOB);
  const data = new Uint8Array(maxPlain + 1);
  await assertRejects(
    () => sealBlob(data, { codecs }),
    RangeError,
    "134217729 bytes, expected at most 134217728",
  );
  const largest = data.subarray(1);
  const sealed = await sealBlob(largest, { codecs });
  assertEquals(sealed.kind, "zstd");
  assert(sealed.size <= VECTORS.limit.atMax + 100);
  const digest = digestOf(largest);
  const options = { codecs, digest, size: maxPlain };
  const opened = await openBlob(joinBlob(sealed), options);
  assertEquals(opened.length, maxPlain);
});

Deno.test("sealBlob() compresses what gets smaller, and nothing else", async () => {
  for (const codecs of Object.values(CODECS)) {
    const kind = async (data: Uint8Array, options = {}) =>
      (await sealBlob(data, { codecs, ...options })).kind;
    assertEquals(await kind(TEXT), "zstd");
    assertEquals(await kind(TEXT, { compress: false }), "plain");
    assertEquals(await kind(NOISE), "plain");
    assertEquals(await kind(NOISE, { key: KEY }), "encrypted");
    assertEquals(await kind(TEXT, { key: KEY }), "encrypted-zstd");
    assertEquals(await kind(new Uint8Array(0)), "plain");
    assertEquals(await kind(new Uint8Array(1)), "plain");
    // Stored as it is, it is not even copied.
    const sealed = await sealBlob(NOISE, { codecs, scratch: new Scratch() });
    assert(sealed.body === NOISE);
  }
});

Deno.test("every sealed blob has an IV of its own", async () => {
  const codecs = await openCodecs();
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const { header } = await sealBlob(TEXT, { codecs, key: KEY });
    seen.add(hexOf(header.subarray(12, 28)));
  }
  assertEquals(seen.size, 50);
});

Deno.test("openBlob() says what is wrong with a blob, one thing after the other", async () => {
  const codecs = await openCodecs();
  const digest = digestOf(TEXT), keyed = digestOf(TEXT, KEY);
  const size = TEXT.length, options = { codecs, digest, size };
  const plain = joinBlob(await sealBlob(TEXT, { codecs, compress: false }));
  const zstd = joinBlob(await sealBlob(TEXT, { codecs }));
  const secret = joinBlob(await sealBlob(TEXT, { codecs, key: KEY }));
  const raw = joinBlob(
    await sealBlob(TEXT, { codecs, key: KEY, compress: false }),
  );

  await assertRejects(
    () => openBlob(plain.subarray(0, 11), options),
    TruncatedError,
    "it has 11 bytes, expected a header of 12",
  );
  await assertRejects(
    () => openBlob(secret.subarray(0, 43), options),
    TruncatedError,
    "it has 43 bytes, expected a header of 44",
  );
  await assertRejects(
    () => openBlob(joined(Uint8Array.of(0x43), plain.subarray(1)), options),
    UnsupportedError,
    "it starts with 43ab3807be8370a1",
  );

  // The CRC comes before all that is inside.
  const damaged = zstd.slice();
  damaged[100]! ^= 1;
  const crc = await assertRejects(
    () => openBlob(damaged, { ...options, encrypted: true }),
    IntegrityError,
    "its CRC is",
  );
  assertEquals(crc.expected?.length, 8);
  assert(crc.actual !== crc.expected);

  // An index of encrypted chunks takes no others, and the other way round.
  for (const blob of [plain, zstd]) {
    const mismatch = await assertRejects(
      () => openBlob(blob, { ...options, key: KEY, encrypted: true }),
      IntegrityError,
      "it is plain, expected it encrypted",
    );
    assertEquals(mismatch.expected, "encrypted");
    assertEquals(mismatch.actual, "plain");
  }
  for (const blob of [secret, raw]) {
    const hidden = { codecs, digest: keyed, size };
    await assertRejects(
      () => openBlob(blob, { ...hidden, key: KEY, encrypted: false }),
      IntegrityError,
      "it is encrypted, expected it plain",
    );
    await assertRejects(
      () => openBlob(blob, hidden),
      KeyError,
      "it is encrypted, expected a key",
    );
    await assertRejects(
      () => openBlob(blob, { ...hidden, key: KEYS.other }),
      IntegrityError,
      "its tag does not belong",
    );
    // The plain digest is not the one of an encrypted chunk.
    await assertRejects(
      () => openBlob(blob, { ...options, key: KEY }),
      IntegrityError,
      "its data has the digest",
    );
    await assertRejects(
      () => openBlob(blob, { ...hidden, size: size + 1, key: KEY }),
      IntegrityError,
      "it holds 3000 bytes, expected 3001",
    );
  }
  // The tag comes before what is inside.
  const nonsense = await encrypted("encrypted-zstd", NOISE);
  nonsense[30]! ^= 1;
  await assertRejects(
    () => openBlob(nonsense, { ...options, key: KEY }),
    IntegrityError,
    "its tag",
  );
  nonsense[30]! ^= 1;
  await assertRejects(
    () => openBlob(nonsense, { ...options, key: KEY }),
    FormatError,
    "magic number of a zstd frame",
  );

  for (const blob of [plain, zstd]) {
    const long = await assertRejects(
      () => openBlob(blob, { ...options, size: size + 1 }),
      IntegrityError,
      "it holds 3000 bytes, expected 3001",
    );
    assertEquals([long.expected, long.actual], ["3001 bytes", "3000 bytes"]);
  }
  await assertRejects(
    () => openBlob(plain, { ...options, size: size - 1 }),
    IntegrityError,
    "it holds 3000 bytes, expected 2999",
  );
  await assertRejects(
    () => openBlob(zstd, { ...options, size: size - 1 }),
    FormatError,
    "more than 2999 bytes come out",
  );
  const other = await assertRejects(
    () => openBlob(zstd, { ...options, digest: keyed }),
    IntegrityError,
    "its data has the digest",
  );
  assertEquals(other.expected, hexOf(keyed));
  assertEquals(other.actual, hexOf(digest));

  // An index may say anything; a caller may not.
  for (const size of [MAX_BLOB + 1, 2 ** 50, NaN, -1]) {
    await assertRejects(
      () => openBlob(zstd, { ...options, size }),
      FormatError,
      "expected at most 134217728",
    );
  }
  await assertRejects(
    () => openBlob(zstd, { ...options, into: new Uint8Array(size - 1) }),
    RangeError,
    "a place of 2999 bytes, expected 3000",
  );
});

Deno.test("decodeBlob() gives memory of its own, and no more than its limit", async () => {
  const codecs = await openCodecs();
  for (const key of [undefined, KEY]) {
    for (const compress of [false, true]) {
      const blob = joinBlob(await sealBlob(TEXT, { codecs, key, compress }));
      const decoded = await decodeBlob(blob, { codecs, key, limit: 3000 });
      assert(decoded.buffer !== blob.buffer);
      assertEquals(decoded, TEXT);
      await assertRejects(
        () => decodeBlob(blob, { codecs, key, limit: 2999 }),
        FormatError,
        "2999",
      );
    }
  }
  const zeros = new Uint8Array(2 ** 24 + 1);
  for (const compress of [false, true]) {
    const blob = joinBlob(await sealBlob(zeros, { codecs, compress }));
    await assertRejects(() => decodeBlob(blob, { codecs }), FormatError);
    const limit = zeros.length;
    assertEquals((await decodeBlob(blob, { codecs, limit })).length, limit);
  }
});

Deno.test("openCodecs() gives the same for the same", async () => {
  assert(openCodecs() === openCodecs());
  const native = { zstd: undefined, aesGcm: undefined, module: "" };
  assert(openCodecs(native) === openCodecs(native));
  assert(openCodecs(native) !== openCodecs({ ...native }));
  const codecs = await openCodecs(native);
  assertEquals(Object.keys(codecs), ["zstd", "aesGcm"]);
});

Deno.test("Scratch gives as much as is asked for, and keeps it", () => {
  const scratch = new Scratch();
  assertEquals(scratch.take(0).length, 0);
  const large = scratch.take(5000);
  assertEquals(large.length, 5000);
  assert(scratch.take(8000).buffer === large.buffer);
  assert(scratch.take(1).buffer === large.buffer);
  assertEquals(scratch.take(8193).length, 8193);
});
