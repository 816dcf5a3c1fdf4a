/**
 * Opens the archive that a command line names: in files, on standard input, or in a snapshot.
 *
 * What belongs to stores is loaded for a snapshot's archive only: a command on a file starts as fast as before.
 *
 * @module
 */
import { Accessor } from "@pxar/codec/accessor";
import { decode } from "@pxar/codec/decode";
import type { ByteSource } from "@pxar/codec/stream_reader";
import type { Batch } from "@pxar/format/entry";
import { snapshotText } from "@pxar/store/snapshot";
import type {
  ArchiveHalves,
  EntriesOptions,
  OpenSnapshot,
  ReadOptions,
} from "@pxar/transfer/open";
import { type ArchiveRef, parseArchiveRef } from "./archive_ref.ts";
import {
  KEY_OPTIONS,
  NAMESPACE,
  PAYLOAD_INPUT,
  STORE_OPTIONS,
} from "./common_options.ts";
import { UsageError } from "./exits.ts";
import { openInput } from "./input.ts";
import type { KeyChoice } from "./key_choice.ts";
import { lazy } from "./lazy.ts";
import { openAccess } from "./open_file.ts";
import type { StoreChoice } from "./open_store.ts";
import type { Count, Text } from "./options.ts";
import { findPayload, needPayload } from "./payload_file.ts";
import { turningAccess } from "./turning.ts";
import type { Voice } from "./voice.ts";

/** Values of the options that say where an archive is. */
export interface ArchiveChoice extends StoreChoice, KeyChoice {
  /** The snapshot's namespace as it was typed, if it was. */
  readonly ns: string | undefined;
  /** The file with the contents of a split archive, if it was typed. */
  readonly "payload-input": string | undefined;
}

/** What every command on an archive takes. */
export const ARCHIVE_OPTIONS: {
  readonly "payload-input": Text;
  readonly repository: Text;
  readonly "store-name": Text;
  readonly ns: Text;
  readonly keyfile: Text;
  readonly keyfd: Count;
} = {
  "payload-input": PAYLOAD_INPUT,
  ...STORE_OPTIONS,
  ns: NAMESPACE,
  ...KEY_OPTIONS,
};

/** An archive that a command line names. */
export class OpenArchive implements AsyncDisposable {
  /** What it is called in messages. */
  readonly shown: string;
  /** How it was named. */
  readonly ref: ArchiveRef;
  /** The snapshot that it is in; `undefined` for a file. */
  readonly snapshot: OpenSnapshot | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Where contents of a file are, if it was typed. */
  readonly #named: string | undefined;
  readonly #voice: Voice | undefined;
  #owned: OpenSnapshot | undefined;
  #accessor: Promise<Accessor> | undefined;
  #said = false;

  private constructor(
    shown: string,
    ref: ArchiveRef,
    snapshot: OpenSnapshot | undefined,
    signal: AbortSignal | undefined,
    named?: string,
    voice?: Voice,
  ) {
    this.shown = shown;
    this.ref = ref;
    this.snapshot = snapshot;
    this.#signal = signal;
    this.#named = named;
    this.#voice = voice;
  }

  /**
   * Opens the snapshot that the archive is in; a file is opened when it is read.
   *
   * @param text As it was typed.
   * @param choice What else the command line says of it.
   * @param voice Says where contents are read from, and what is weaker than it should be.
   * @param signal Ends reading.
   * @returns To be closed.
   * @throws {UsageError} If it is named in a way that cannot be meant.
   * @throws {ExitError} If there is no store.
   * @throws {NotFoundError} If the snapshot is not there or not finished, or has no such archive.
   * @throws {KeyError} If there is no key for it, or another one.
   * @throws {IntegrityError} If its manifest cannot be trusted.
   */
  static async open(
    text: string,
    choice: ArchiveChoice,
    voice: Voice,
    signal?: AbortSignal,
  ): Promise<OpenArchive> {
    const ref = parseArchiveRef(text, choice.ns);
    const payload = choice["payload-input"];
    if (ref.kind === "file") {
      if (text === "-" && payload === "-") {
        throw new UsageError(
          "Cannot read archive and payload from standard input: expected two places",
        );
      }
      return new OpenArchive(text, ref, undefined, signal, payload, voice);
    }
    if (payload !== undefined) {
      throw new UsageError(
        `Cannot use --payload-input with ${text}: a snapshot has its own, expected none`,
      );
    }
    const { openChosen } = await lazy("./open_snapshot.ts");
    const snapshot = await openChosen(ref.name, choice, voice, signal);
    try {
      const archive = await OpenArchive.within(snapshot, ref.archive, signal);
      archive.#owned = snapshot;
      return archive;
    } catch (error) {
      await snapshot[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Takes an archive of a snapshot that is open.
   *
   * @param snapshot The snapshot; not closed with this.
   * @param archive Such as `root.pxar`.
   * @param signal Ends reading.
   * @returns To be closed.
   * @throws {NotFoundError} If the snapshot has no such archive.
   */
  static async within(
    snapshot: OpenSnapshot,
    archive: string,
    signal?: AbortSignal,
  ): Promise<OpenArchive> {
    const { findFiles } = await lazy("./snapshot_archives.ts");
    findFiles(snapshot, archive);
    const { snapshot: name } = snapshot;
    return new OpenArchive(
      `${snapshotText(name)}:${archive}`,
      { kind: "snapshot", name, archive },
      snapshot,
      signal,
    );
  }

  /** Whether it can be read from any place, and again: not standard input, pipes and devices. */
  get isAnywhere(): boolean {
    if (this.ref.kind === "snapshot") return true;
    const payload = this.#named;
    return isFile(this.ref.path) && (payload === undefined || isFile(payload));
  }

  /** Whether contents are at hand, as far as names tell. */
  get hasContents(): boolean {
    return this.ref.kind === "snapshot" || this.payload !== undefined;
  }

  /** The file with the contents of a split archive: the one that was named, or found beside it; `undefined` where there is none, and for a snapshot's. */
  get payload(): string | undefined {
    return this.ref.kind === "file"
      ? findPayload(this.ref.path, this.#named)?.path
      : undefined;
  }

  /**
   * The archive, to look things up in it; opened once.
   *
   * @returns Closed with this.
   * @throws {ExitError} If a file cannot be opened, or not be read from any place.
   * @throws {UnsupportedError} If it is a snapshot's, but no archive.
   */
  async accessor(): Promise<Accessor> {
    return await (this.#accessor ??= this.#look());
  }

  /**
   * The bytes of the archive, and of its contents where it is split and they are at hand.
   *
   * @param options How much of a snapshot's is fetched ahead, where it is read in order.
   * @returns To be closed.
   * @throws {ExitError} If a file cannot be opened, or not be read from any place.
   * @throws {UnsupportedError} If it is a snapshot's, but no archive.
   */
  async halves(
    options: Pick<ReadOptions, "ahead"> = {},
  ): Promise<ArchiveHalves> {
    const { ref, payload } = this, signal = this.#signal;
    if (ref.kind === "snapshot") {
      return await this.snapshot!.halves(ref.archive, { ...options, signal });
    }
    const open = (path: string) =>
      signal === undefined
        ? openAccess(path)
        : turningAccess(openAccess(path), signal);
    return {
      archive: open(ref.path),
      payload: payload === undefined ? undefined : open(payload),
    };
  }

  /**
   * Lengths of the archive, and of its contents where it is split and they are at hand.
   *
   * @returns In bytes; `undefined` where there is no file, or its length is not known.
   */
  sizes(): {
    readonly archive: number | undefined;
    readonly payload: number | undefined;
  } {
    const { ref, payload, snapshot } = this;
    if (ref.kind === "file") {
      return { archive: fileSize(ref.path), payload: fileSize(payload) };
    }
    const files = snapshot!.resolve(ref.archive);
    const [archive, contents] = files.split
      ? [files.metadata, files.payload]
      : [files.file, undefined];
    return {
      archive: snapshot!.file(archive.server).size,
      payload: contents && snapshot!.file(contents.server).size,
    };
  }

  /**
   * The archive's entries in order: once from standard input or a pipe, otherwise as often as wanted.
   *
   * @param options With contents unless told; without, files of a split archive come without theirs.
   * @returns Batches, as `decode` yields them. What is not read of a snapshot's contents is not fetched.
   * @throws {ExitError} If a file cannot be opened.
   * @throws {UsageError} If contents are wanted and nothing says where they are.
   * @throws {UnsupportedError} If it is a snapshot's, but no archive.
   */
  async *entries(
    options: Pick<EntriesOptions, "contents"> = {},
  ): AsyncGenerator<Batch, void, void> {
    const { contents = true } = options, { ref } = this, signal = this.#signal;
    if (ref.kind === "snapshot") {
      return yield* this.snapshot!.entries(ref.archive, { contents, signal });
    }
    const named = this.#named;
    const payload = contents
      ? needPayload(ref.path, named, (sentence) => this.#sayOnce(sentence))
      : named;
    const { source } = openInput(ref.path, signal);
    let contained: ByteSource | undefined;
    try {
      contained = payload === undefined
        ? undefined
        : openInput(payload, signal).source;
    } catch (error) {
      await source.close?.();
      throw error;
    }
    // Closes both.
    yield* decode(source, { payload: contained, signal });
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await (await this.#accessor?.catch(() => undefined))?.close();
    } finally {
      await this.#owned?.[Symbol.asyncDispose]();
    }
  }

  async #look(): Promise<Accessor> {
    const { archive, payload } = await this.halves();
    try {
      return await Accessor.open(archive, { payload });
    } catch (error) {
      await archive.close?.();
      await payload?.close?.();
      throw error;
    }
  }

  #sayOnce(sentence: string): void {
    if (!this.#said) this.#voice?.note(sentence);
    this.#said = true;
  }
}

function isFile(path: string): boolean {
  return fileSize(path) !== undefined;
}

/** Nothing is opened: a pipe would be used up by that. */
function fileSize(path: string | undefined): number | undefined {
  if (path === undefined || path === "-") return undefined;
  try {
    const { isFile, size } = Deno.statSync(path);
    return isFile ? size : undefined;
  } catch {
    return undefined; // Whoever opens it says why.
  }
}
