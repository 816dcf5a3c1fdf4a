// Checks the files of one snapshot against its manifest, and all chunks that they need.
import { MAX_CHUNK } from "@pxar/chunk/cut_rules";
import { decodeBlob, MAX_BLOB, parseBlob } from "@pxar/chunk/blob";
import type { ChunkIndex, ChunkRef } from "@pxar/chunk/chunk_index";
import { sameBytes } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import { ordered } from "@pxar/chunk/ordered";
import type { Bytes } from "@pxar/format/bytes";
import { PxarError } from "@pxar/format/errors";
import {
  CLIENT_LOG_NAME,
  MANIFEST_NAME,
  parseArchiveName,
} from "./archive_name.ts";
import {
  checkedBlob,
  checkedIndex,
  isEncryptedBlob,
  readBlobFile,
} from "./checked_file.ts";
import type { ChunkCheck } from "./chunk_check.ts";
import type { Datastore } from "./datastore.ts";
import { keyMatch } from "./key_match.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { snapshotText } from "./snapshot.ts";
import type { SnapshotReader } from "./store.ts";
import type { VerifyEvent, VerifyProblem } from "./verify_report.ts";

/** Chunks that are on their way at once, and most bytes of them. */
const AT_ONCE = 8, BYTES_AT_ONCE = 64 << 20;
/** So many problems of a snapshot are kept. */
const MOST_PROBLEMS = 1000;

/** How it is done. */
export interface SnapshotCheckOptions {
  readonly key: CryptKey | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: VerifyEvent) => void) | undefined;
}

/** Checks one snapshot. */
export class SnapshotCheck {
  readonly #store: Datastore;
  readonly #reader: SnapshotReader;
  readonly #manifest: Manifest;
  readonly #chunks: ChunkCheck;
  readonly #options: SnapshotCheckOptions;
  readonly #problems: VerifyProblem[] = [];
  #more = 0;
  /** Whether it was made with the key at hand. */
  #keyed = false;

  /** Whether it was made with a key that is not at hand, as far as its manifest says. */
  get unkeyed(): boolean {
    return !this.#keyed &&
      this.#manifest.files.some(({ cryptMode }) => cryptMode !== "none");
  }

  constructor(
    store: Datastore,
    reader: SnapshotReader,
    manifest: Manifest,
    chunks: ChunkCheck,
    options: SnapshotCheckOptions,
  ) {
    this.#store = store;
    this.#reader = reader;
    this.#manifest = manifest;
    this.#chunks = chunks;
    this.#options = options;
  }

  /** Gives all that is wrong. */
  async run(): Promise<readonly VerifyProblem[]> {
    this.#ownManifest();
    for (const file of this.#manifest.files) {
      const { name } = file;
      this.#options.signal?.throwIfAborted();
      const { snapshot } = this.#reader;
      this.#options.onEvent?.({ kind: "file", snapshot, name });
      await this.#attempt(name, async () => {
        if (parseArchiveName(name).kind === "blob") await this.#blob(file);
        else await this.#index(file);
      });
    }
    if (this.#store.tree.hasLog(this.#reader.snapshot)) {
      await this.#attempt(CLIENT_LOG_NAME, () => this.#log());
    }
    if (this.#more > 0) {
      const message = `and ${this.#more} more problems`;
      this.#problems.push({ name: MANIFEST_NAME, message });
    }
    return this.#problems;
  }

  /** What the manifest says of itself. */
  #ownManifest(): void {
    const { snapshot } = this.#reader, { type, id, time } = this.#manifest;
    if (
      type !== snapshot.type || id !== snapshot.id || time !== snapshot.time
    ) {
      const { namespace } = snapshot;
      this.#add(
        MANIFEST_NAME,
        `Cannot trust manifest: it is that of ${
          snapshotText({ namespace, type, id, time })
        }, expected that of ${snapshotText(snapshot)}`,
      );
    }
    const { isMadeWith, problem } = keyMatch(this.#manifest, this.#options.key);
    this.#keyed = isMadeWith;
    if (problem !== undefined) this.#add(MANIFEST_NAME, problem);
  }

  async #blob(file: ManifestFile): Promise<void> {
    const { signal } = this.#options;
    await this.#decode(await checkedBlob(this.#reader, file, { signal }));
  }

  /** The client's log is in no manifest: its own checksum, and its tag with the key, are all there is. */
  async #log(): Promise<void> {
    await this.#decode(await readBlobFile(this.#reader, CLIENT_LOG_NAME));
  }

  async #decode(blob: Bytes): Promise<void> {
    parseBlob(blob);
    if (isEncryptedBlob(blob) && !this.#keyed) return;
    const { codecs } = this.#store, { key } = this.#options;
    await decodeBlob(blob, { codecs, key, limit: MAX_BLOB });
  }

  async #index(file: ManifestFile): Promise<void> {
    const { signal } = this.#options, { name, csum, cryptMode } = file;
    const index = await checkedIndex(this.#reader, file, { signal });
    try {
      if (!sameBytes(csum, index.headerCsum)) {
        this.#add(
          name,
          `Cannot use ${name}: its header has another checksum than its entries`,
        );
      }
      await this.#chunksOf(name, index, cryptMode === "encrypt");
    } finally {
      await index.close();
    }
  }

  async #chunksOf(
    name: string,
    index: ChunkIndex,
    encrypted: boolean,
  ): Promise<void> {
    const { signal, onEvent } = this.#options;
    const demand = { encrypted, keyed: encrypted && this.#keyed };
    const checks = ordered(
      refsOf(index),
      (ref) => this.#chunks.check(ref, demand),
      {
        most: AT_ONCE,
        budget: BYTES_AT_ONCE,
        weigh: ({ start, end }) => Math.min(end - start, MAX_CHUNK),
        signal,
      },
    );
    let told = -1;
    for await (const problem of checks) {
      if (problem !== undefined) this.#add(name, problem);
      const { chunks, bytes } = this.#chunks;
      if (chunks !== told) onEvent?.({ kind: "progress", chunks, bytes });
      told = chunks;
    }
  }

  async #attempt(name: string, check: () => Promise<void>): Promise<void> {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      this.#add(name, error.message);
    }
  }

  #add(name: string, message: string): void {
    const problem = { name, message };
    const { snapshot } = this.#reader;
    this.#options.onEvent?.({ kind: "problem", snapshot, problem });
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem);
    else this.#more++;
  }
}

async function* refsOf(
  index: ChunkIndex,
): AsyncGenerator<ChunkRef, void, void> {
  for await (const batch of index.chunks()) yield* batch;
}
