/**
 * What a tree is written by: one interface, kept by the C library's calls and by Deno's own.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import type { Attributes, Entry } from "@pxar/format/entry";
import type { Trail } from "./trail.ts";

/** What is restored, and what may be replaced. */
export interface RestoreOptions {
  /** Whether a file may take the place of what is there and is no directory; never through a symlink, never in the same inode. Default: no. */
  overwriteFiles?: boolean;
  /** Whether a symlink may take the place of what is there and is no directory. Default: no. */
  overwriteSymlinks?: boolean;
  /** Whether a hardlink may take the place of what is there and is no directory. Default: no. */
  overwriteHardlinks?: boolean;
  /** Whether a device, fifo or socket may take the place of what is there and is no directory. Default: no. */
  overwriteNodes?: boolean;
  /** Whether directories that are there already are used, and get the archive's metadata. Default: no. */
  allowExistingDirs?: boolean;
  /** Whether extended attributes are restored. Default: yes. */
  xattrs?: boolean;
  /** Whether access control lists are restored; needs `xattrs`. Default: yes. */
  acls?: boolean;
  /** Whether capabilities are restored; needs `xattrs`. Default: yes. */
  fcaps?: boolean;
  /** Whether owners are restored. Default: yes. */
  owners?: boolean;
  /** Whether permissions are restored; without, files stay 0600 and directories 0700. Default: yes. */
  permissions?: boolean;
  /** Whether devices are made; without, they are left out silently. Default: yes. */
  devices?: boolean;
  /** Whether fifos are made. Default: yes. */
  fifos?: boolean;
  /** Whether sockets are made. Default: yes. */
  sockets?: boolean;
  /** Whether blocks of 4096 zeros become holes. Default: yes. */
  sparse?: boolean;
  /** Ends the journey; the file at hand is taken away. */
  signal?: AbortSignal | undefined;
}

/** The same with everything said. */
export type Choices = Required<RestoreOptions>;

/** Says everything. */
export function choose(options: RestoreOptions): Choices {
  const { xattrs = true } = options;
  return {
    overwriteFiles: options.overwriteFiles ?? false,
    overwriteSymlinks: options.overwriteSymlinks ?? false,
    overwriteHardlinks: options.overwriteHardlinks ?? false,
    overwriteNodes: options.overwriteNodes ?? false,
    allowExistingDirs: options.allowExistingDirs ?? false,
    xattrs,
    acls: xattrs && (options.acls ?? true),
    fcaps: xattrs && (options.fcaps ?? true),
    owners: options.owners ?? true,
    permissions: options.permissions ?? true,
    devices: options.devices ?? true,
    fifos: options.fifos ?? true,
    sockets: options.sockets ?? true,
    sparse: options.sparse ?? true,
    signal: options.signal,
  };
}

/** What a writer is made of. */
export interface WriterParts {
  /** The directory that becomes the root; need not be there. */
  readonly path: string | Bytes;
  /** What is wanted. */
  readonly choices: Choices;
  /** Takes what goes wrong; stands at the entry at hand. */
  readonly trail: Trail;
}

/**
 * Makes what entries say, one after the other; the order and the names have been checked.
 *
 * Each gives whether the entry is there now. What could not be done has been noted; what is thrown ends the journey.
 */
export interface TreeWriter {
  /** Goes into a directory, the first time the root; without success there is no {@linkcode end} for it. */
  directory(entry: Entry): boolean;
  /** Makes a file of its content. */
  file(entry: Entry): boolean | Promise<boolean>;
  /** Makes a symlink. */
  symlink(entry: Entry): boolean;
  /** Makes one name more for a file; `missing` where that file is known not to be there. */
  hardlink(entry: Entry, missing: boolean): boolean;
  /** Makes a device, fifo or socket. */
  node(entry: Entry): boolean;
  /** Gives the directory its metadata and goes back to the one above. */
  end(): void;
  /** Lets go of everything. */
  close(): void;
}

/** Why a hardlink cannot be made whose file is missing. */
export const NO_FIRST = "the file that it is a link to was not restored";

/** An error of one entry, met deep inside its content. */
export class EntryError extends Error {
  /** The class name. */
  override readonly name = "EntryError";
  /** Notes it. */
  readonly note: (trail: Trail) => void;

  /** Takes how it is noted. */
  constructor(note: (trail: Trail) => void) {
    super("entry cannot be restored");
    this.note = note;
  }
}

/** Whether there is something among the attributes that is to be restored. */
export function wants(
  attributes: Attributes | undefined,
  choices: Choices,
): attributes is Attributes {
  return attributes !== undefined && (
    (choices.xattrs && attributes.xattrs.length > 0) ||
    (choices.acls && attributes.acl !== undefined) ||
    (choices.fcaps && attributes.fcaps !== undefined) ||
    attributes.projectId !== undefined
  );
}
