/**
 * Modules that are only loaded when they are wanted.
 *
 * @module
 */

/** The modules, by their files. */
interface Modules {
  "./backup.ts": typeof import("./backup.ts");
  "./blob_decode.ts": typeof import("./blob_decode.ts");
  "./cat.ts": typeof import("./cat.ts");
  "./catalog_dump.ts": typeof import("./catalog_dump.ts");
  "./catalog_shell.ts": typeof import("./catalog_shell.ts");
  "./change_owner.ts": typeof import("./change_owner.ts");
  "./check.ts": typeof import("./check.ts");
  "./compression.ts": typeof import("./compression.ts");
  "./convert.ts": typeof import("./convert.ts");
  "./cp.ts": typeof import("./cp.ts");
  "./create.ts": typeof import("./create.ts");
  "./diff.ts": typeof import("./diff.ts");
  "./endings.ts": typeof import("./endings.ts");
  "./export.ts": typeof import("./export.ts");
  "./extract.ts": typeof import("./extract.ts");
  "./find.ts": typeof import("./find.ts");
  "./find_in_store.ts": typeof import("./find_in_store.ts");
  "./garbage_collect.ts": typeof import("./garbage_collect.ts");
  "./group_forget.ts": typeof import("./group_forget.ts");
  "./group_notes_show.ts": typeof import("./group_notes_show.ts");
  "./group_notes_update.ts": typeof import("./group_notes_update.ts");
  "./groups.ts": typeof import("./groups.ts");
  "./help.ts": typeof import("./help.ts");
  "./import.ts": typeof import("./import.ts");
  "./index_show.ts": typeof import("./index_show.ts");
  "./info.ts": typeof import("./info.ts");
  "./json_entry.ts": typeof import("./json_entry.ts");
  "./key_change_passphrase.ts": typeof import("./key_change_passphrase.ts");
  "./key_create.ts": typeof import("./key_create.ts");
  "./key_create_master_key.ts": typeof import("./key_create_master_key.ts");
  "./key_import_master_pubkey.ts":
    typeof import("./key_import_master_pubkey.ts");
  "./key_import_with_master_key.ts":
    typeof import("./key_import_with_master_key.ts");
  "./key_paperkey.ts": typeof import("./key_paperkey.ts");
  "./key_show.ts": typeof import("./key_show.ts");
  "./key_show_master_pubkey.ts": typeof import("./key_show_master_pubkey.ts");
  "./list.ts": typeof import("./list.ts");
  "./look.ts": typeof import("./look.ts");
  "./losses.ts": typeof import("./losses.ts");
  "./ls.ts": typeof import("./ls.ts");
  "./merge.ts": typeof import("./merge.ts");
  "./names.ts": typeof import("./names.ts");
  "./namespace_create.ts": typeof import("./namespace_create.ts");
  "./namespace_delete.ts": typeof import("./namespace_delete.ts");
  "./namespace_list.ts": typeof import("./namespace_list.ts");
  "./one_file.ts": typeof import("./one_file.ts");
  "./open_snapshot.ts": typeof import("./open_snapshot.ts");
  "./prompt.ts": typeof import("./prompt.ts");
  "./prune.ts": typeof import("./prune.ts");
  "./restore.ts": typeof import("./restore.ts");
  "./shell_words.ts": typeof import("./shell_words.ts");
  "./show.ts": typeof import("./show.ts");
  "./snapshot_archives.ts": typeof import("./snapshot_archives.ts");
  "./snapshot_files.ts": typeof import("./snapshot_files.ts");
  "./snapshot_forget.ts": typeof import("./snapshot_forget.ts");
  "./snapshot_list.ts": typeof import("./snapshot_list.ts");
  "./snapshot_notes_show.ts": typeof import("./snapshot_notes_show.ts");
  "./snapshot_notes_update.ts": typeof import("./snapshot_notes_update.ts");
  "./snapshot_protected_show.ts": typeof import("./snapshot_protected_show.ts");
  "./snapshot_protected_update.ts":
    typeof import("./snapshot_protected_update.ts");
  "./snapshot_target.ts": typeof import("./snapshot_target.ts");
  "./snapshot_upload_log.ts": typeof import("./snapshot_upload_log.ts");
  "./stat.ts": typeof import("./stat.ts");
  "./status.ts": typeof import("./status.ts");
  "./std_text.ts": typeof import("./std_text.ts");
  "./store_init.ts": typeof import("./store_init.ts");
  "./sync.ts": typeof import("./sync.ts");
  "./verify.ts": typeof import("./verify.ts");
}

/**
 * Loads a module of this folder.
 *
 * Not a plain `import("./help.ts")`: Deno reads and parses every file behind one before the program starts. Measured: that costs a third of an empty
 * program's time.
 *
 * @param path The module's file.
 * @returns The module.
 */
export async function lazy<Path extends keyof Modules>(
  path: Path,
): Promise<Modules[Path]> {
  return await import(path);
}
