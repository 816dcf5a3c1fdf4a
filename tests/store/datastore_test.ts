// The contract of stores, for the one on disk: with the kernel's help and without.
import { openDatastore } from "@pxar/store/open_datastore";
import { initDatastore } from "@pxar/store/datastore_layout";
import { openKernel } from "@pxar/sys/kernel";
import { openNative } from "@pxar/sys/native";
import { withDirectory } from "../support/walks.ts";
import { storeContract } from "./contract.ts";

const kernel = openKernel(), native = openNative();

for (
  const [kind, options] of [
    ["openDatastore() with a kernel", { kernel, native }],
    ["openDatastore() alone", {}],
    ["openDatastore() that syncs each file", { kernel, sync: "file" }],
  ] as const
) {
  storeContract(kind, async (use) => {
    await withDirectory(async (folder) => {
      const path = `${folder}/store`;
      await initDatastore(path, { allFolders: false });
      await use(
        await openDatastore(path, { ...options, locks: `${folder}/locks` }),
      );
    });
  });
}
