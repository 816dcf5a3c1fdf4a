import { SystemError } from "@pxar/format/errors";
import type { Kernel } from "@pxar/store/kernel";
import { openKernel } from "@pxar/sys/kernel";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { couldLock, holdLock } from "../support/lock_holder.ts";
import { type Need, systemTest } from "../support/skip.ts";
import { openDescriptors, withDirectory } from "../support/walks.ts";

/** A test of the kernel's calls, in a folder of its own; every descriptor must be closed in the end. */
function kernelTest(
  name: string,
  needs: readonly Need[],
  use: (kernel: Kernel, folder: string) => void | Promise<void>,
): void {
  systemTest(name, ["linux", ...needs], async () => {
    const kernel = openKernel();
    assert(kernel);
    await withDirectory(async (folder) => {
      await use(kernel, folder);
      assertEquals(openDescriptors(folder), 0);
    });
  });
}

kernelTest(
  "lockRecord() is shared by many or held by one, also within this process",
  [],
  (kernel, folder) => {
    const path = `${folder}/lock`;
    const first = kernel.lockRecord(path, false)!,
      second = kernel.lockRecord(path, false)!;
    assertEquals(kernel.lockRecord(path, true), undefined);
    assertEquals(first.change(true), false);
    // What was held is still held.
    assertEquals(kernel.lockRecord(path, true), undefined);
    second.release();
    assertEquals(first.change(true), true);
    assertEquals(kernel.lockRecord(path, false), undefined);
    assertEquals(first.change(false), true);
    kernel.lockRecord(path, false)!.release();
    first.release();
    first.release();
    kernel.lockRecord(path, true)!.release();
  },
);

kernelTest("lockRecord() and the record lock that PBS takes see each other", [
  "python3",
], async (kernel, folder) => {
  const path = `${folder}/lock`;
  {
    await using other = await holdLock(path, "record shared");
    assert(other.held);
    assertEquals(kernel.lockRecord(path, true), undefined);
    const shared = kernel.lockRecord(path, false)!;
    assertEquals(shared.change(true), false);
    shared.release();
  }
  {
    await using _other = await holdLock(path, "record exclusive");
    assertEquals(kernel.lockRecord(path, true), undefined);
    assertEquals(kernel.lockRecord(path, false), undefined);
  }
  const lock = kernel.lockRecord(path, false)!;
  const seen = async () => [
    await couldLock(path, "record shared"),
    await couldLock(path, "record exclusive"),
  ];
  assertEquals(await seen(), [true, false]);
  // The trap of such locks: that another descriptor of the file is closed would end them.
  Deno.openSync(path).close();
  Deno.readFileSync(path);
  assertEquals(await seen(), [true, false]);
  assertEquals(lock.change(true), true);
  assertEquals(await seen(), [false, false]);
  lock.release();
  assertEquals(await seen(), [true, true]);
  // It is not the lock of a file: those two do not see each other.
  await using _file = await holdLock(path, "file exclusive");
  kernel.lockRecord(path, true)!.release();
});

kernelTest("lockFile() and the file lock that PBS takes see each other", [
  "python3",
], async (kernel, folder) => {
  const path = `${folder}/lock`;
  const first = kernel.lockFile(path, false)!,
    second = kernel.lockFile(path, false)!;
  assertEquals(kernel.lockFile(path, true), undefined);
  assertEquals([
    await couldLock(path, "file shared"),
    await couldLock(path, "file exclusive"),
  ], [true, false]);
  first.release();
  first.release();
  assertEquals(kernel.lockFile(path, true), undefined);
  second.release();
  const alone = kernel.lockFile(path, true)!;
  assertEquals(kernel.lockFile(path, false), undefined);
  assertEquals(await couldLock(path, "file shared"), false);
  alone.release();
  await using _other = await holdLock(path, "file shared");
  assertEquals(kernel.lockFile(path, true), undefined);
  kernel.lockFile(path, false)!.release();
  // Not the lock of a record.
  await using _record = await holdLock(path, "record exclusive");
  kernel.lockFile(path, false)!.release();
});

kernelTest(
  "lockFile() is no lock on a file that was removed",
  [],
  (kernel, folder) => {
    const path = `${folder}/lock`;
    const holder = kernel.lockFile(path, true)!;
    // The holder removes what it guards, and the lock with it: whoever comes then has a lock of his own.
    Deno.removeSync(path);
    const next = kernel.lockFile(path, true)!;
    holder.release();
    assertEquals(kernel.lockFile(path, true), undefined);
    next.release();
  },
);

kernelTest(
  "locks are errors where the file cannot be made",
  [],
  (kernel, folder) => {
    Deno.mkdirSync(`${folder}/folder`);
    Deno.symlinkSync(`${folder}/elsewhere`, `${folder}/link`);
    for (
      const [name, code] of [["missing/lock", "ENOENT"], ["folder", "EISDIR"], [
        "link",
        "ELOOP",
      ]] as const
    ) {
      for (const call of ["lockRecord", "lockFile"] as const) {
        const error = assertThrows(
          () => kernel[call](`${folder}/${name}`, true),
          SystemError,
        );
        assertEquals([error.code, error.path], [code, `${folder}/${name}`]);
      }
    }
    assertThrows(
      () => Deno.lstatSync(`${folder}/elsewhere`),
      Deno.errors.NotFound,
    );
  },
);

kernelTest(
  "touch() sets the time of access, and no other",
  [],
  (kernel, folder) => {
    const path = `${folder}/file`, link = `${folder}/link`;
    Deno.writeTextFileSync(path, "x");
    Deno.utimeSync(path, new Date(1e12), new Date(1.1e12 + 7));
    Deno.symlinkSync(path, link);
    const before = Date.now();
    assertEquals(kernel.touch(path), true);
    const { atime, mtime } = Deno.statSync(path);
    assert(Math.abs(atime!.getTime() - before) < 5000);
    assertEquals(mtime!.getTime(), 1.1e12 + 7);
    // A link is not followed.
    Deno.utimeSync(path, new Date(1e12), new Date(1.1e12));
    assertEquals(kernel.touch(link), true);
    assertEquals(Deno.statSync(path).atime!.getTime(), 1e12);
    assert(Deno.lstatSync(link).atime!.getTime() >= before - 5000);
    Deno.writeTextFileSync(`${folder}/plain`, "x");
    Deno.removeSync(path);
    assertEquals(kernel.touch(link), true);
    assertEquals(kernel.touch(path), false);
    const error = assertThrows(
      () => kernel.touch(`${folder}/plain/x`),
      SystemError,
    );
    assertEquals(error.code, "ENOTDIR");
  },
);

kernelTest(
  "syncFileSystem() waits for a file's or a folder's file system",
  [],
  (kernel, folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "x");
    kernel.syncFileSystem(folder);
    kernel.syncFileSystem(`${folder}/file`);
    const error = assertThrows(
      () => kernel.syncFileSystem(`${folder}/missing`),
      SystemError,
    );
    assertEquals(error.code, "ENOENT");
  },
);

kernelTest(
  "openKernel() is found on another thread by the module that it names",
  [],
  async (kernel) => {
    const other = await import(kernel.module);
    assertEquals(other.openKernel, openKernel);
  },
);
