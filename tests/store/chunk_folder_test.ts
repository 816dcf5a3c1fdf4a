import { openCodecs } from "@pxar/chunk/codecs";
import { digestOf, hexOf } from "@pxar/chunk/digest";
import { CryptKey } from "@pxar/chunk/key";
import { sealBlob, type SealedBlob } from "@pxar/chunk/blob";
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  IntegrityError,
  NotFoundError,
  PxarError,
  SystemError,
} from "@pxar/format/errors";
import { ChunkFolder } from "../../store/chunk_folder.ts";
import { chunkFile, type ChunkPlace } from "../../store/chunk_place.ts";
import { DiskFiles } from "../../store/disk_files.ts";
import { MemoryChunks } from "../../store/memory_chunks.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { run } from "../support/image.ts";
import { openDescriptors, withDirectory } from "../support/walks.ts";
import { age, bytesOf, isThere, kernel } from "./stores.ts";

const codecs = await openCodecs(),
  KEY = CryptKey.of(new Uint8Array(32).fill(1));
const DATA = bytesOf("some data, which compresses: ".repeat(20)),
  DIGEST = digestOf(DATA),
  HEX = hexOf(DIGEST);

async function sealed(
  data: Bytes,
  key?: CryptKey,
  compress = true,
): Promise<SealedBlob> {
  return await sealBlob(data, { codecs, key, compress });
}

/** A folder of chunks, and where its one chunk lies; `change` may put other calls in the place of the file system's. */
async function withFolder(
  use: (
    chunks: ChunkFolder,
    path: string,
    files: DiskFiles,
  ) => void | Promise<void>,
  options: { kernel?: typeof kernel; sync?: boolean } = { kernel },
): Promise<void> {
  await withDirectory(async (folder) => {
    Deno.mkdirSync(`${folder}/.chunks`);
    const files = new DiskFiles({
      owner: undefined,
      sync: options.sync ?? false,
    });
    const chunks = new ChunkFolder(folder, files, options.kernel);
    await use(chunks, `${folder}/.chunks/${HEX.slice(0, 4)}/${HEX}`, files);
    if (Deno.build.os === "linux") assertEquals(openDescriptors(folder), 0);
  });
}

/** Puts other calls in the place of some of the file system's. */
function replaceCalls(files: DiskFiles, calls: Partial<DiskFiles["fs"]>): void {
  const { fs } = files;
  Object.defineProperty(files, "fs", {
    value: { ...fs, constants: fs.constants, ...calls },
  });
}

/** Fails as the system does. */
function failing(code: string, errno: number): () => never {
  return () => {
    throw Object.assign(new Error(`${code} (os error ${errno})`), { code });
  };
}

const PLACES: Record<
  string,
  (use: (chunks: ChunkPlace) => Promise<void>) => Promise<void>
> = {
  ChunkFolder: (use) => withFolder(use),
  "ChunkFolder without a kernel": (use) => withFolder(use, {}),
  "ChunkFolder that syncs each file": (use) =>
    withFolder(use, { kernel, sync: true }),
  MemoryChunks: (use) => use(new MemoryChunks(Date.now)),
};

for (const [name, withPlace] of Object.entries(PLACES)) {
  Deno.test(`${name} keeps what is put, and marks it as used`, async () => {
    await withPlace(async (chunks) => {
      const { header, body, size } = await sealed(DATA);
      assertEquals([chunks.touch(DIGEST), chunks.stateOf(DIGEST)], [
        undefined,
        undefined,
      ]);
      assertThrows(() => chunks.get(DIGEST), NotFoundError, HEX);
      assertEquals(chunks.put(DIGEST, header, body), {
        existed: false,
        stored: size,
      });
      assertEquals(chunks.get(DIGEST).length, size);
      const before = chunks.stateOf(DIGEST)!;
      await new Promise((resolve) => setTimeout(resolve, 20));
      const clock = chunks.clock();
      assertEquals(chunks.put(DIGEST, header, body), {
        existed: true,
        stored: size,
      });
      const put = chunks.stateOf(DIGEST)!;
      assert(put.atime > before.atime && put.atime >= clock);
      assertEquals([put.mtime, put.inode], [before.mtime, before.inode]);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assertEquals(chunks.touch(DIGEST), size);
      assert(chunks.stateOf(DIGEST)!.atime > put.atime);
      assert(chunks.clock() >= chunks.stateOf(DIGEST)!.atime);
    });
  });

  Deno.test(`${name} follows the rules of PBS for a chunk that is there`, async () => {
    const small = await sealed(DATA),
      big = await sealed(DATA, undefined, false);
    const secret = await sealed(DATA, KEY),
      secretBig = await sealed(DATA, KEY, false);
    const longer = await sealed(bytesOf("x".repeat(900)), KEY, false);
    assert(small.size < big.size && secret.size < secretBig.size);
    const empty = { header: new Uint8Array(0), body: new Uint8Array(0) };
    const cases: [
      { header: Bytes; body: Uint8Array },
      SealedBlob,
      "replaced" | "kept" | "refused",
    ][] = [
      [empty, small, "replaced"],
      [empty, secret, "replaced"],
      [small, big, "kept"],
      [big, small, "replaced"],
      [secret, secretBig, "kept"],
      [secretBig, secret, "kept"],
      [secretBig, longer, "refused"],
      // A digest stands for one content, in one way: the other can only be a mistake or an attack.
      [small, secret, "refused"],
      [big, secretBig, "refused"],
      [secret, small, "refused"],
      [secretBig, big, "refused"],
    ];
    for (const [i, [there, blob, outcome]] of cases.entries()) {
      await withPlace(async (chunks) => {
        chunks.put(DIGEST, there.header, there.body);
        const before = chunks.get(DIGEST),
          put = () => chunks.put(DIGEST, blob.header, blob.body);
        if (outcome === "refused") {
          assertThrows(put, IntegrityError, HEX, `case ${i}`);
        } else {
          const existed = outcome === "kept";
          assertEquals(put(), {
            existed,
            stored: existed ? before.length : blob.size,
          }, `case ${i}`);
        }
        assertEquals(
          chunks.get(DIGEST).length,
          outcome === "replaced" ? blob.size : before.length,
        );
        await Promise.resolve();
      });
    }
  });

  Deno.test(`${name} puts bad chunks out of the way, under ten names`, async () => {
    await withPlace(async (chunks) => {
      const { header, body } = await sealed(DATA);
      assertEquals(chunks.setAside(DIGEST), undefined);
      for (let i = 0; i < 12; i++) {
        chunks.put(DIGEST, header, body);
        assert(
          chunks.setAside(DIGEST)!.endsWith(`${HEX}.${Math.min(i, 9)}.bad`),
        );
        assertEquals(chunks.touch(DIGEST), undefined);
      }
      const [folder, ...others] = chunks.folders();
      assertEquals([folder, others], [parseInt(HEX.slice(0, 4), 16), []]);
      const files = chunks.filesIn(folder!);
      assertEquals(
        files.map(({ kind, hex }) => [kind, hex]),
        Array.from({ length: 10 }, () => ["bad", HEX]),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      const clock = chunks.clock();
      assertEquals(chunks.touchBad(DIGEST), 10);
      for (const file of files) {
        assert(chunks.state(file)!.atime >= clock);
        assertEquals(chunks.remove(file), true);
        assertEquals(chunks.remove(file), false);
        assertEquals(chunks.state(file), undefined);
      }
      assertEquals(chunks.touchBad(DIGEST), 0);
    });
  });

  Deno.test(`${name} removes a chunk unless it was used since`, async () => {
    await withPlace(async (chunks) => {
      const { header, body } = await sealed(DATA);
      chunks.put(DIGEST, header, body);
      const { atime } = chunks.stateOf(DIGEST)!;
      assertEquals(chunks.removeUnused(DIGEST, atime), false);
      assertEquals(chunks.stateOf(DIGEST)?.atime, atime);
      assertEquals(chunks.removeUnused(DIGEST, atime + 1), true);
      assertEquals(chunks.stateOf(DIGEST), undefined);
      assertEquals(chunks.removeUnused(DIGEST, Infinity), false);
      await Promise.resolve();
    });
  });
}

Deno.test("chunkFile() knows the names that writers leave, and no others", () => {
  const kinds = (rest: string) => chunkFile("/x", `${HEX}${rest}`)?.kind;
  assertEquals(
    ["", ".0.bad", ".9.bad", ".using", ".tmp_aB3xY9", ".tmp_unused"].map(kinds),
    ["chunk", "bad", "bad", "marker", "temporary", "temporary"],
  );
  for (
    const rest of [
      ".10.bad",
      ".bad",
      ".a.bad",
      ".using2",
      ".tmp",
      ".tmp_",
      "0",
      ".0.bad\n",
      "\n",
    ]
  ) assertEquals(kinds(rest), undefined, rest);
  for (
    const name of [HEX.toUpperCase(), HEX.slice(1), `x${HEX.slice(1)}`, "owner"]
  ) assertEquals(chunkFile("/x", name), undefined);
});

Deno.test("ChunkFolder lists what is there, whoever put it there", async () => {
  await withFolder((chunks, path) => {
    const folder = path.slice(0, -65), root = folder.slice(0, -5);
    assertEquals(chunks.folders(), []);
    for (const name of ["ffff", "0000", "00A0", "abc", "abcde", "lost+found"]) {
      Deno.mkdirSync(`${root}/${name}`);
    }
    Deno.writeTextFileSync(`${root}/1234`, "");
    assertEquals(chunks.folders(), [0, 0xffff]);
    Deno.mkdirSync(folder);
    Deno.mkdirSync(`${path}.0.bad`);
    Deno.symlinkSync("/etc/passwd", path);
    Deno.writeTextFileSync(`${folder}/notes`, "");
    assertEquals(chunks.filesIn(parseInt(HEX.slice(0, 4), 16)), []);
    assertEquals(chunks.filesIn(1), []);
  });
});

Deno.test("ChunkFolder takes nothing but a regular file for a chunk, and does not wait for a fifo", async () => {
  await withFolder(async (chunks, path) => {
    const { header, body } = await sealed(DATA);
    const refuse = () => {
      for (
        const use of [
          () => chunks.get(DIGEST),
          () => chunks.put(DIGEST, header, body),
          () => chunks.touch(DIGEST),
        ]
      ) assertThrows(use, PxarError);
    };
    Deno.mkdirSync(path, { recursive: true });
    refuse();
    Deno.removeSync(path);
    Deno.symlinkSync("/etc/passwd", path);
    refuse();
    Deno.removeSync(path);
    if (Deno.build.os !== "windows") {
      await run("mkfifo", path);
      refuse();
      Deno.removeSync(path);
    }
    Deno.writeFileSync(path, new Uint8Array(0));
    Deno.truncateSync(path, (16 << 20) + 45);
    assertThrows(() => chunks.get(DIGEST), FormatError, "at most");
  });
});

Deno.test("ChunkFolder: a chunk that cannot be written leaves nothing behind", async () => {
  const { header, body } = await sealed(DATA);
  const calls: [keyof DiskFiles["fs"], string, number][] = [
    ["writeSync", "ENOSPC", 28],
    ["fchmodSync", "EPERM", 1],
    ["fsyncSync", "EIO", 5],
    ["closeSync", "EDQUOT", 122],
    ["linkSync", "EIO", 5],
  ];
  for (const [call, code, errno] of calls) {
    await withFolder((chunks, path, files) => {
      Deno.mkdirSync(path.slice(0, -65));
      const real = files.fs.closeSync;
      replaceCalls(files, {
        [call]: call === "closeSync"
          ? (fd: number) => (real(fd), failing(code, errno)())
          : failing(code, errno),
      });
      const error = assertThrows(
        () => chunks.put(DIGEST, header, body),
        SystemError,
        HEX,
      );
      assertEquals([error.code, error.errno], [code, errno], call);
      assertEquals([...Deno.readDirSync(path.slice(0, -65))], []);
    }, { kernel, sync: call === "fsyncSync" });
  }
});

Deno.test("ChunkFolder: of two that write the same chunk at once, one has written it", async () => {
  const { header, body, size } = await sealed(DATA);
  await withFolder((chunks, path, files) => {
    const { mkdirSync, linkSync } = files.fs;
    let others = 0;
    const other = new ChunkFolder(
      path.slice(0, -78),
      new DiskFiles({ owner: undefined, sync: false }),
      kernel,
    );
    replaceCalls(files, {
      // Somebody else makes the folder, and then writes the chunk, right before.
      mkdirSync: ((...args: Parameters<typeof mkdirSync>) => {
        mkdirSync(...args);
        return mkdirSync(...args);
      }) as typeof mkdirSync,
      linkSync: (from, to) => {
        if (others++ === 0) {
          assertEquals(other.put(DIGEST, header, body).existed, false);
        }
        linkSync(from, to);
      },
    });
    assertEquals(chunks.put(DIGEST, header, body), {
      existed: true,
      stored: size,
    });
    assertEquals(
      [...Deno.readDirSync(path.slice(0, -65))].map(({ name }) => name),
      [HEX],
    );
    assertEquals(others, 1);
  });
});

Deno.test("ChunkFolder works where files have one name only", async () => {
  const { header, body, size } = await sealed(DATA);
  for (
    const [code, errno] of [["EPERM", 1], ["EOPNOTSUPP", 95], [
      "ENOSYS",
      38,
    ]] as const
  ) {
    await withFolder((chunks, path, files) => {
      replaceCalls(files, { linkSync: failing(code, errno) });
      assertEquals(chunks.put(DIGEST, header, body), {
        existed: false,
        stored: size,
      });
      assertEquals(chunks.put(DIGEST, header, body), {
        existed: true,
        stored: size,
      });
      assertEquals(files.write(`${path}.x`, [header], true), true);
      assertEquals(files.write(`${path}.x`, [body], true), false);
      assertEquals(Deno.readFileSync(`${path}.x`), header);
    });
  }
});

Deno.test("ChunkFolder: whoever begins to use a chunk while it is removed keeps it, or finds it missing", async () => {
  const { header, body, size } = await sealed(DATA);
  const base = (path: string) => path.slice(0, -78);
  // Used right before it is put out of the way: it comes back.
  await withFolder((chunks, path, files) => {
    chunks.put(DIGEST, header, body);
    age(path, 1000);
    const before = Date.now() - 500_000,
      other = new ChunkFolder(base(path), new DiskFiles(files.options), kernel);
    const { renameSync } = files.fs;
    let renames = 0;
    replaceCalls(files, {
      renameSync: (from, to) => {
        if (renames++ === 0) assertEquals(other.touch(DIGEST), size);
        renameSync(from, to);
      },
    });
    assertEquals(chunks.removeUnused(DIGEST, before), false);
    assertEquals([chunks.get(DIGEST).length, renames], [size, 2]);
  });
  // Wanted right after: it is missing, and written anew, and what was there before is gone.
  await withFolder((chunks, path, files) => {
    chunks.put(DIGEST, header, body);
    age(path, 1000);
    const before = Date.now() - 500_000,
      other = new ChunkFolder(base(path), new DiskFiles(files.options), kernel);
    const { renameSync } = files.fs;
    replaceCalls(files, {
      renameSync: (from, to) => {
        renameSync(from, to);
        assertEquals(other.touch(DIGEST), undefined);
        assertEquals(other.put(DIGEST, header, body).existed, false);
      },
    });
    assertEquals(chunks.removeUnused(DIGEST, before), true);
    assertEquals(chunks.get(DIGEST).length, size);
    assertEquals([...Deno.readDirSync(path.slice(0, -65))].length, 1);
  });
});

Deno.test("ChunkFolder: a removal that was cut short is taken up again", async () => {
  const { header, body, size } = await sealed(DATA),
    number = parseInt(HEX.slice(0, 4), 16);
  await withFolder((chunks, path) => {
    chunks.put(DIGEST, header, body);
    age(path, 1000);
    Deno.renameSync(path, `${path}.tmp_unused`);
    assertEquals(chunks.filesIn(number), [{ kind: "chunk", hex: HEX, path }]);
    assert(Date.now() - chunks.stateOf(DIGEST)!.atime > 900_000);
    // Written anew meanwhile: there is one chunk, and it is met once.
    Deno.copyFileSync(path, `${path}.tmp_unused`);
    assertEquals(chunks.filesIn(number), [{ kind: "chunk", hex: HEX, path }]);
    assertEquals(isThere(`${path}.tmp_unused`), false);
    assertEquals(chunks.get(DIGEST).length, size);
  });
});

Deno.test("ChunkFolder reads into the memory that it is given", async () => {
  const { header, body, size } = await sealed(DATA);
  await withFolder((chunks) => {
    chunks.put(DIGEST, header, body);
    const room = new Uint8Array(10_000);
    const blob = chunks.get(DIGEST, (length) => room.subarray(0, length));
    assertEquals([blob.buffer, blob.length], [room.buffer, size]);
  });
});
