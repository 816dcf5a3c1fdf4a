import { openLibcrypto } from "@pxar/sys/libcrypto";
import { openLibzstd } from "@pxar/sys/libzstd";
import { openNative } from "@pxar/sys/native";
import { FormatError, TruncatedError } from "@pxar/format/errors";
import fc from "fast-check";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { joined, shared } from "../support/codecs.ts";
import { input } from "../support/prng.ts";
import { missing, systemTest } from "../support/skip.ts";
import { frame, raw, run, skippable } from "../support/zstd_frames.ts";

const native = openNative();
const ignore = native?.zstd === undefined || native.aesGcm === undefined;
const CHILD = new URL("../support/native_child.ts", import.meta.url);
const FOLDER = `/usr/lib/${Deno.build.arch}-linux-gnu/`;
const LIBZSTD = FOLDER + "libzstd.so.1";

/** For what both libraries are needed; tests/support/codecs.ts says so where they are missing. */
function nativeTest(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

/** What the child gets with other permissions. */
async function child(...permissions: string[]): Promise<unknown> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, CHILD.pathname],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert(success && !/permission|prompt/i.test(said), said);
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("openNative() gives nothing without permission, and does not ask", async () => {
  const nothing = { is: false, zstd: false, aesGcm: false };
  assertEquals(await child(), nothing);
  assertEquals(await child("--allow-all", "--deny-ffi"), nothing);
});

systemTest(
  "openNative() does not ask on a terminal either",
  ["script"],
  async () => {
    const { stdout } = await new Deno.Command("script", {
      args: [
        "-qec",
        `${Deno.execPath()} run ${CHILD.pathname}`,
        "/dev/null",
      ],
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stdout);
    assert(said.includes('"is":false') && !/permission/i.test(said), said);
  },
);

Deno.test({
  name: "openNative() gives the one library that is permitted",
  ignore: ignore || missing("linux") !== undefined || !exists(LIBZSTD),
  fn: async () => {
    assertEquals(await child(`--allow-ffi=${LIBZSTD}`), {
      is: true,
      zstd: true,
      aesGcm: false,
    });
  },
});

nativeTest(
  "openNative() opens once, and on every thread for itself",
  async () => {
    assert(openNative() === native);
    assertEquals(Object.keys(native!), ["zstd", "aesGcm", "module"]);
    const again = await import(native!.module);
    assert(again.openNative === openNative);
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(CHILD, { type: "module" });
      const said = await new Promise<string>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => reject(new Error(message));
      });
      worker.terminate();
      assertEquals(JSON.parse(said), { is: true, zstd: true, aesGcm: true });
    }
  },
);

nativeTest(
  "libzstd: whatever bytes come in, only a FormatError comes out",
  () => {
    const zstd = openLibzstd()!;
    const text = input({ kind: "text", seed: 4, size: 500 });
    const good = new Uint8Array(600);
    const length = Number(zstd.compress(text, good));
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ maxLength: 100 }).map((bytes) =>
        joined(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), bytes)
      ),
      fc.array(fc.tuple(fc.nat(length - 1), fc.nat(255)), { maxLength: 3 })
        .map((changes) => {
          const changed = good.slice(0, length);
          for (const [at, byte] of changes) changed[at] = byte;
          return changed;
        }),
    );
    fc.assert(
      fc.property(any, (bytes) => {
        const memory = new Uint8Array(1000).fill(0xee);
        try {
          zstd.decompress(bytes, memory.subarray(100, 700));
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
        assert(memory.subarray(0, 100).every((byte) => byte === 0xee));
        assert(memory.subarray(700).every((byte) => byte === 0xee));
      }),
      { numRuns: 500 },
    );
  },
);

nativeTest("libzstd: names what is wrong", () => {
  const zstd = openLibzstd()!;
  const out = new Uint8Array(1000);
  const text = input({ kind: "text", seed: 4, size: 500 });
  const good = new Uint8Array(600);
  const one = good.subarray(0, Number(zstd.compress(text, good)));
  const refused = (
    frames: Uint8Array,
    message: string,
    type: new (message: string) => FormatError = FormatError,
    room = out,
  ) => assertThrows(() => zstd.decompress(frames, room), type, message);
  refused(new Uint8Array(0), "there are no bytes", TruncatedError);
  for (let end = 1; end < one.length; end++) {
    refused(one.subarray(0, end), "is cut", TruncatedError);
  }
  refused(joined(one, Uint8Array.of(1)), "something behind", TruncatedError);
  refused(new Uint8Array(100), "no magic number");
  refused(frame([raw(1)], { dictionary: 7 }), "it needs a dictionary");
  refused(
    frame([raw(1)], { checksum: new Uint8Array(4) }),
    "its checksum is wrong",
  );
  refused(frame([raw(1)], { says: 2 }), "it is damaged");
  refused(one, "more than 499 bytes", FormatError, out.subarray(0, 499));
  refused(
    frame(new Array(2 ** 15).fill(run(0, 2 ** 17))),
    "more than 1000 bytes",
  );
  refused(skippable(raw().bytes, 100), "is cut", TruncatedError);
  refused(skippable(raw().bytes, 2 ** 32 - 1), "its header is not supported");
  // After all that, the contexts still work.
  assertEquals(zstd.decompress(joined(one, one), out), 1000);
  assertEquals(out.subarray(500), text);
});

nativeTest(
  "libcrypto: its contexts are used again, for messages of every size, good ones after bad ones",
  () => {
    const aes = openLibcrypto()!;
    const data = shared(input({ kind: "xorshift32", seed: 9, size: 5000 }));
    const plain = Uint8Array.from(data);
    const key = new Uint8Array(32).fill(3);
    for (let i = 0; i < 300; i++) {
      const iv = new Uint8Array(16).fill(i);
      const part = data.subarray(i % 7, i % 7 + i * 16);
      const tag = aes.seal(key, iv, part, part) as Uint8Array<ArrayBuffer>;
      const other = tag.slice();
      other[i % 16]! ^= 1;
      const out = new Uint8Array(part.length).fill(1);
      assertEquals(aes.open(key, iv, other, part, out), false);
      assert(out.every((byte) => byte === 0));
      assertEquals(aes.open(key, iv, tag, part, part), true);
    }
    assertEquals(Uint8Array.from(data), plain);
  },
);

nativeTest("libcrypto: never writes where it must not", () => {
  const aes = openLibcrypto()!;
  const n = (length: number) => new Uint8Array(length);
  for (
    const [key, iv, data, out] of [
      [n(31), n(16), n(9), n(9)],
      [n(32), n(15), n(9), n(9)],
      [n(32), n(16), n(9), n(8)],
      [n(32), n(16), n(9), n(0)],
    ] as const
  ) {
    assertThrows(() => aes.seal(key, iv, data, out), RangeError);
    assertThrows(() => aes.open(key, iv, n(16), data, out), RangeError);
  }
  assertThrows(
    () => aes.open(n(32), n(16), n(15), n(9), n(9)),
    RangeError,
    "expected 32,16,16,9",
  );
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
