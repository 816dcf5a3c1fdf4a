// Runs code as an ordinary user: started as root, which it gives up once all is loaded.
import { initDatastore, pbsComplaints } from "@pxar/store/datastore_layout";
import { openDatastore } from "@pxar/store/open_datastore";
import { openKernel } from "@pxar/sys/kernel";
import { groupOf, makeSnapshot, snapshotOf } from "../store/contract.ts";

/** What the child saw. */
export interface Seen {
  readonly notes: readonly string[];
  readonly states: readonly boolean[];
  readonly complaints: readonly string[];
}

/** Becomes nobody, for good. */
export function becomeNobody(): void {
  // The C library changes all threads at once.
  const { symbols } = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "buffer"], result: "i32" },
    setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
    setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  });
  const failed = symbols.setgroups(0n, null) |
    symbols.setresgid(65534, 65534, 65534) |
    symbols.setresuid(65534, 65534, 65534);
  if (failed !== 0) throw new Error("Cannot become nobody");
}

if (import.meta.main) {
  const path = Deno.args[0]!, kernel = openKernel();
  becomeNobody();
  await initDatastore(path, { allFolders: false });
  const notes: string[] = [];
  const onNote = (sentence: string) => void notes.push(sentence);
  const options = { kernel, onNote, name: "pxar-test-of-nobody" };
  const store = await openDatastore(path, options);
  for (const after of [0, 1]) {
    await makeSnapshot(store, snapshotOf(groupOf("h1"), after));
  }
  const seen: Seen = {
    notes,
    states: (await store.snapshots("")).map(({ finished }) => finished),
    complaints: pbsComplaints(path),
  };
  console.log(JSON.stringify(seen));
}
