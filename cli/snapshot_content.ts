/**
 * A snapshot that is open for reading, and what its indexes stand for.
 *
 * @module
 */
import { joinAccess, joinStream } from "@pxar/chunk/join";
import type { CryptKey } from "@pxar/chunk/key";
import type { RandomAccess } from "@pxar/codec/random_access";
import { checkedIndex } from "@pxar/store/checked_file";
import type { Datastore } from "@pxar/store/datastore";
import type { Manifest, ManifestFile } from "@pxar/store/manifest";
import { verifyManifest } from "@pxar/store/manifest_signature";
import type { SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotReader } from "@pxar/store/store";
import { keyFingerprintOf } from "@pxar/store/unprotected";
import { type KeyChoice, keyFor } from "./key_choice.ts";

/** A snapshot that is open, and whose manifest may be trusted as far as there is a key. */
export class SnapshotContent implements AsyncDisposable {
  /** What it consists of. */
  readonly manifest: Manifest;
  readonly #store: Datastore;
  readonly #reader: SnapshotReader;
  readonly #key: CryptKey | undefined;

  private constructor(
    store: Datastore,
    reader: SnapshotReader,
    manifest: Manifest,
    key: CryptKey | undefined,
  ) {
    this.#store = store;
    this.#reader = reader;
    this.manifest = manifest;
    this.#key = key;
  }

  /**
   * Opens a snapshot.
   *
   * @param store Where it is.
   * @param snapshot Which one.
   * @param choice The key; the default one is taken where the manifest names one.
   * @throws {NotFoundError} If it is not there, or not finished.
   * @throws {KeyError} If it was made with another key, or with one and there is none.
   * @throws {IntegrityError} If the manifest is not its own, or not signed as it must be.
   */
  static async open(
    store: Datastore,
    snapshot: SnapshotName,
    choice: KeyChoice,
  ): Promise<SnapshotContent> {
    const reader = await store.open(snapshot);
    try {
      const manifest = await reader.manifest();
      const isKeyed = keyFingerprintOf(manifest) !== undefined ||
        manifest.files.some(({ cryptMode }) => cryptMode !== "none");
      const key = await keyFor(choice, isKeyed);
      verifyManifest(manifest, key);
      return new SnapshotContent(store, reader, manifest, key);
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * What an index stands for, to be read at any place.
   *
   * @param file What the manifest says of it.
   * @param signal Ends reading.
   * @returns To be closed.
   */
  async access(
    file: ManifestFile,
    signal: AbortSignal,
  ): Promise<RandomAccess> {
    const index = await checkedIndex(this.#reader, file, { signal });
    return joinAccess(index, this.#reader, this.#options(file, signal));
  }

  /**
   * What an index stands for, in order.
   *
   * @param file What the manifest says of it.
   * @param signal Ends reading.
   */
  async stream(
    file: ManifestFile,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const index = await checkedIndex(this.#reader, file, { signal });
    return joinStream(index, this.#reader, this.#options(file, signal));
  }

  /** Lets others remove it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader[Symbol.asyncDispose]();
  }

  #options({ cryptMode }: ManifestFile, signal: AbortSignal) {
    const { codecs } = this.#store;
    return {
      codecs,
      key: this.#key,
      encrypted: cryptMode === "encrypt",
      signal,
    };
  }
}
