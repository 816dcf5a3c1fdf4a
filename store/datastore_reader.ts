// A snapshot of a datastore that is open for reading, and so cannot be removed.
import type { Digest } from "@pxar/chunk/digest";
import type { RandomAccess } from "@pxar/codec/random_access";
import type { Bytes } from "@pxar/format/bytes";
import { IntegrityError, NotFoundError } from "@pxar/format/errors";
import { isDataFile } from "./archive_name.ts";
import type { Datastore } from "./datastore.ts";
import type { DirectChunks } from "./direct_chunks.ts";
import type { HeldLock } from "./kernel.ts";
import type { Manifest } from "./manifest.ts";
import { sameSnapshot, type SnapshotName, snapshotText } from "./snapshot.ts";
import type { Abortable, SnapshotReader } from "./store.ts";

/** Reads one snapshot. */
export class DatastoreReader implements SnapshotReader {
  readonly snapshot: SnapshotName;
  readonly #store: Datastore;
  readonly #lock: HeldLock;
  #isOpen = true;

  /** Takes over the snapshot's lock. */
  constructor(store: Datastore, snapshot: SnapshotName, lock: HeldLock) {
    this.#store = store;
    this.snapshot = snapshot;
    this.#lock = lock;
  }

  get direct(): DirectChunks | undefined {
    return this.#store.direct;
  }

  async get(digest: Digest, { signal }: Abortable = {}): Promise<Bytes> {
    signal?.throwIfAborted();
    this.#demandOpen();
    return this.#store.chunks.get(digest);
  }

  async manifest(): Promise<Manifest> {
    this.#demandOpen();
    const { snapshot } = this;
    const manifest = await this.#store.tree.manifest(snapshot);
    const { type, id, time } = manifest, { namespace } = snapshot;
    const named = { namespace, type, id, time };
    if (!sameSnapshot(named, snapshot)) {
      throw new IntegrityError(
        `Cannot trust the manifest of ${
          snapshotText(snapshot)
        }: it is that of ${snapshotText(named)}`,
        { expected: snapshotText(snapshot), actual: snapshotText(named) },
      );
    }
    return manifest;
  }

  async file(name: string): Promise<RandomAccess> {
    this.#demandOpen();
    const access = isDataFile(name) && !name.includes("/")
      ? this.#store.files.open(
        `${this.#store.tree.snapshotFolder(this.snapshot)}/${name}`,
      )
      : undefined;
    if (access !== undefined) return access;
    throw new NotFoundError(
      `Cannot open ${name} of ${
        snapshotText(this.snapshot)
      }: there is no such file`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#lock.release();
  }

  #demandOpen(): void {
    if (!this.#isOpen) {
      throw new TypeError(
        `Cannot read from ${snapshotText(this.snapshot)}: it was closed`,
      );
    }
  }
}
