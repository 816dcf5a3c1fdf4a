// So many small files that a second thread writes them.
import { BytesContent, type Entry, makeEntry } from "@pxar/format/entry";
import { dirMetadata, fileMetadata } from "@pxar/format/metadata";
import { SystemError } from "@pxar/format/errors";
import { Report } from "@pxar/fs/report";
import { writeTree } from "@pxar/fs/write_tree";
import { SmallFileRing } from "../../fs/small_file_ring.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { mounted } from "../support/image.ts";
import { systemTest } from "../support/skip.ts";
import { openDescriptors, withDirectory } from "../support/walks.ts";

const TEXT = new TextEncoder();
/** Around the block of a hole, and around what goes by way of the other thread. */
const SIZES = [0, 1, 100, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 40000];

/** What is in a file: some of it zeros, for holes. */
function bytesOf(number: number): Uint8Array<ArrayBuffer> {
  const size = number % 50 === 0
    ? SIZES[number / 50 % SIZES.length]!
    : number % 3000;
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    if ((i >> 12) % 2 === number % 2) bytes[i] = (number + i) & 255;
  }
  return bytes;
}

function* manyFiles(directories: number, files: number): Generator<Entry[]> {
  const { uid, gid } = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  yield [makeEntry("directory", dirMetadata(0o755).owner(uid, gid).build())];
  for (let d = 0, number = 0; d < directories; d++) {
    yield [makeEntry("directory", {
      name: TEXT.encode(`d${d}`),
      ...dirMetadata(0o750).owner(uid, gid).mtime(1_600_000_000 + d).build(),
    })];
    for (let f = 0; f < files; f++, number++) {
      yield [makeEntry("file", {
        name: TEXT.encode(`f${f}`),
        content: new BytesContent(bytesOf(number)),
        ...fileMetadata(number % 2 === 0 ? 0o644 : 0o600).owner(uid, gid)
          .mtime(1_500_000_000 + number, 7).build(),
      })];
      if (f % 100 === 0) letOthersRun();
    }
    yield [makeEntry("end")];
  }
  yield [makeEntry("end")];
}

/** Time for the other thread to come up. */
function letOthersRun(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

systemTest("writeTree() restores many small files by two threads as by one", [
  "linux",
], () =>
  withDirectory((path) =>
    withSecondThread(async () => {
      const report = await writeTree(`${path}/out`, manyFiles(12, 1000));
      assertEquals([report.errors, report.warnings], [0, 0]);
      assertEquals(report.entries, 12 * 1001 + 1);
      let bytes = 0;
      for (let d = 0, number = 0; d < 12; d++) {
        const directory = Deno.statSync(`${path}/out/d${d}`);
        assertEquals(directory.mtime!.getTime(), (1_600_000_000 + d) * 1000);
        for (let f = 0; f < 1000; f++, number++) {
          const name = `${path}/out/d${d}/f${f}`;
          const wanted = bytesOf(number), there = Deno.readFileSync(name);
          assert(
            there.length === wanted.length &&
              there.every((byte, i) => byte === wanted[i]),
            name,
          );
          const { mode, mtime, blocks } = Deno.statSync(name);
          // Of four blocks two are zeros.
          if (wanted.length === 16384) assert(blocks! * 512 < 16384, name);
          assertEquals(mode! & 0o7777, number % 2 === 0 ? 0o644 : 0o600);
          assertEquals(mtime!.getTime(), (1_500_000_000 + number) * 1000);
          bytes += wanted.length;
        }
      }
      assertEquals(report.bytes, bytes);
      assertEquals(openDescriptors(path), 0);
    })
  ));

systemTest(
  "writeTree() on a full disk removes what is not whole, also where two threads write",
  ["mount"],
  () =>
    withSmallDisk(16, async (path) => {
      const report = new Report();
      await writeTree(`${path}/out`, manyFiles(12, 1000), { report });
      assert(report.errors > 0, "the disk was not full");
      let number = 0, whole = 0;
      for (let d = 0; d < 12; d++) {
        for (let f = 0; f < 1000; f++, number++) {
          try {
            const there = Deno.readFileSync(`${path}/out/d${d}/f${f}`);
            assertEquals(there.length, bytesOf(number).length);
            whole++;
          } catch (error) {
            assert(error instanceof Deno.errors.NotFound, `${error}`);
          }
        }
      }
      assertEquals(whole + report.errors, 12_000);
      for (const { message } of report.problems) {
        assert(/no space left/.test(message), message);
      }
    }),
);

/** Files with a second name each. */
function* linkedFiles(files: number): Generator<Entry[]> {
  const { uid, gid } = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  yield [makeEntry("directory", dirMetadata(0o755).owner(uid, gid).build())];
  for (let f = 0; f < files; f++) {
    const name = TEXT.encode(`f${f}`);
    yield [
      makeEntry("file", {
        name,
        content: new BytesContent(new Uint8Array(8000).fill(1)),
        ...fileMetadata(0o644).owner(uid, gid).build(),
        position: f + 1,
      }),
      makeEntry("hardlink", {
        name: TEXT.encode(`f${f}-link`),
        target: name,
        linkPosition: f + 1,
      }),
    ];
    if (f % 100 === 0) letOthersRun();
  }
  yield [makeEntry("end")];
}

/** Enough files for a second thread, then directories one in the other, each with files before the next one. */
function* nestedFiles(levels: number): Generator<Entry[]> {
  const { uid, gid } = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  const folder = dirMetadata(0o755).owner(uid, gid).build();
  const file = (name: string, size: number) =>
    makeEntry("file", {
      name: TEXT.encode(name),
      content: new BytesContent(new Uint8Array(size).fill(1)),
      ...fileMetadata(0o644).owner(uid, gid).build(),
    });
  yield [makeEntry("directory", folder)];
  for (let f = 0; f < 2500; f++) {
    yield [file(`a${f}`, 0)];
    if (f % 100 === 0) letOthersRun();
  }
  for (let level = 0; level < levels; level++) {
    yield [makeEntry("directory", { name: TEXT.encode("b"), ...folder })];
    yield Array.from({ length: 12 }, (_, f) => file(`a${f}`, 8000));
  }
  for (let level = 0; level <= levels; level++) yield [makeEntry("end")];
}

systemTest(
  "writeTree() on a full disk removes half files of the directory they are in, not of the next",
  ["mount"],
  () =>
    withSmallDisk(4, async (path) => {
      const report = await writeTree(`${path}/out`, nestedFiles(100));
      assert(report.errors > 0, "the disk was not full");
      let files = 0;
      for (let at = `${path}/out/b`;; at += "/b") {
        let deeper = false;
        try {
          for (const { name, isDirectory } of Deno.readDirSync(at)) {
            deeper ||= isDirectory;
            if (isDirectory) continue;
            assertEquals(Deno.statSync(`${at}/${name}`).size, 8000, at);
            files++;
          }
        } catch (error) {
          assert(error instanceof Deno.errors.NotFound, `${error}`);
        }
        if (!deeper) break;
      }
      assert(files > 0);
      for (const { path: failed } of report.problems) {
        assert(new TextDecoder().decode(failed).startsWith("b/"));
      }
    }),
);

for (const strict of [false, true]) {
  systemTest(
    `writeTree() on a full disk leaves no half file under any of its names${
      strict ? ", strict" : ""
    }`,
    ["mount"],
    () =>
      withSmallDisk(24, async (path) => {
        const report = new Report();
        const done = writeTree(`${path}/out`, linkedFiles(5000), {
          report,
          strict,
        });
        if (strict) await assertRejects(() => done, SystemError, "no space");
        else await done;
        assert(report.errors > 0, "the disk was not full");
        let names = 0;
        for (const { name } of Deno.readDirSync(`${path}/out`)) {
          assertEquals(Deno.statSync(`${path}/out/${name}`).size, 8000, name);
          names++;
        }
        // The root is an entry, too.
        if (!strict) assertEquals(report.entries, names + 1);
      }),
  );
}

/** Counts the files that go to the other thread while `run` goes on; there must be some. */
async function withSecondThread(run: () => Promise<void>): Promise<void> {
  const { put } = SmallFileRing.prototype;
  let files = 0;
  SmallFileRing.prototype.put = function (...file): void {
    files++;
    put.apply(this, file);
  };
  try {
    await run();
  } finally {
    SmallFileRing.prototype.put = put;
  }
  assert(files > 0, "no file went to the second thread");
}

/** A disk of so many MiB, on which a second thread writes. */
function withSmallDisk(
  size: number,
  run: (path: string) => Promise<void>,
): Promise<void> {
  return withDirectory((path) =>
    mounted(
      ["-t", "tmpfs", "-o", `size=${size}m`, "none"],
      path,
      (path) => withSecondThread(() => run(path)),
    )
  );
}
