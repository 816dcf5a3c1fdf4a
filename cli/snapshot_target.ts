/**
 * A new snapshot as the place where an archive goes.
 *
 * @module
 */
import type { Batches } from "@pxar/format/entry";
import { snapshotText } from "@pxar/store/snapshot";
import { openNative } from "@pxar/sys/native";
import { backup, type BackupSummary } from "@pxar/transfer/backup";
import type { SnapshotTarget, TargetChoice } from "./archive_target.ts";
import { cryptOf } from "./crypt_choice.ts";
import { openStore } from "./open_store.ts";
import type { Voice } from "./voice.ts";

/**
 * Makes a snapshot with one archive.
 *
 * @param target Its name, and the archive's.
 * @param entries The archive's entries.
 * @param choice Which store and which key.
 * @param voice Says what it is called.
 * @param signal Ends it; nothing is left.
 * @returns What was made.
 * @throws {KeyError} If there is no key where one is needed.
 */
export async function writeSnapshot(
  { name, archive, mode }: SnapshotTarget,
  entries: Batches,
  choice: TargetChoice,
  voice: Voice,
  signal: AbortSignal,
): Promise<BackupSummary> {
  // The named key may be that of what is read.
  const open = choice["crypt-mode"] === "none";
  const crypt = await cryptOf({
    "crypt-mode": choice["crypt-mode"],
    keyfile: open ? undefined : choice.keyfile,
    keyfd: open ? undefined : choice.keyfd,
    "master-pubkey-file": undefined,
    "master-pubkey-fd": undefined,
  });
  const store = await openStore(choice, voice, { create: true });
  const made = await backup(store, [{ archive, entries }], {
    type: name.type,
    id: name.id,
    namespace: name.namespace,
    ...("time" in name && { time: name.time }),
    mode,
    ...crypt,
    native: openNative(),
    onNote: (sentence) => voice.note(sentence),
    signal,
  });
  voice.end();
  voice.note(`made ${snapshotText(made.snapshot)}:${archive}`);
  return made;
}
