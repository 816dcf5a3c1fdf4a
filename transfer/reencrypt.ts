/**
 * Snapshots under another key: what was encrypted with one is encrypted with the other, or no longer, or for the first time.
 *
 * Chunks keep their lengths, and archives their bytes; digests, indexes, blobs and the manifest's signature are those of the new key.
 *
 * @module
 */
import { decodeBlob, joinBlob, MAX_BLOB, sealBlob } from "@pxar/chunk/blob";
import { type Codecs, openCodecs } from "@pxar/chunk/codecs";
import { type Digest, sameBytes } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import type { Native } from "@pxar/chunk/native";
import { sha256Of } from "@pxar/chunk/sha256";
import type { Bytes } from "@pxar/format/bytes";
import { RSA_KEY_NAME } from "@pxar/store/archive_name";
import {
  type CryptMode,
  makeManifest,
  type Manifest,
  type ManifestFile,
} from "@pxar/store/manifest";
import { signManifest, verifyManifest } from "@pxar/store/manifest_signature";
import type { SnapshotName } from "@pxar/store/snapshot";
import type { SnapshotReader, SnapshotWriter, Store } from "@pxar/store/store";
import {
  withoutKeyFingerprint,
  withVerifyState,
} from "@pxar/store/unprotected";
import { ChunkCarrier } from "./chunk_carrier.ts";
import {
  carrySnapshot,
  type CopySummary,
  type SnapshotCopyOptions,
  type Treatment,
} from "./snapshot_copy.ts";

/** What a snapshot becomes. */
export interface NewKey {
  /** The new key; `undefined` with the mode `none`. */
  readonly key: CryptKey | undefined;
  /** What it does: encrypts, or only signs; `encrypt` unless told where there is a key, else `none`. */
  readonly mode?: CryptMode | undefined;
  /** The new key, locked with a master key, as `sealKey` gives it: kept beside the snapshot as `rsa-encrypted.key.blob`. One of the old key is left out in any case. */
  readonly rsaKey?: Bytes | undefined;
}

/** How a snapshot is encrypted anew. */
export interface ReencryptOptions extends SnapshotCopyOptions {
  /** The key that it was made with; only needed where it was made with one. */
  readonly key?: CryptKey | undefined;
  /** Faster libraries. */
  readonly native?: Native | undefined;
  /** How many threads; as many as there are processors unless told, 0 for none but this one. */
  readonly threads?: number | undefined;
}

/**
 * Copies a snapshot under another key.
 *
 * @param source Where it is.
 * @param snapshot Which one.
 * @param target Where the copy is made: another store, or the same in another namespace.
 * @param to The new key.
 * @param options The old key, the owner.
 * @returns What was carried.
 * @throws {KeyError} If it was made with another key than the old one, or with one and there is none.
 * @throws {IntegrityError} If anything of it is not what vouches for it says.
 * @throws {TypeError} If the new key and its mode do not fit.
 *
 * @example
 * ```ts
 * import { CryptKey } from "@pxar/chunk/key";
 * import { parseSnapshot } from "@pxar/store/snapshot";
 * import type { Store } from "@pxar/store/store";
 * import { reencrypt } from "@pxar/transfer/reencrypt";
 *
 * async function encryptAll(store: Store, key: CryptKey) {
 *   const snapshot = parseSnapshot("host/elsa/2023-11-14T22:13:20Z");
 *   await reencrypt(store, snapshot, store, { key }, { owner: "root@pam", namespace: "encrypted" });
 * }
 * ```
 */
export async function reencrypt(
  source: Pick<Store, "open">,
  snapshot: SnapshotName,
  target: Pick<Store, "create" | "uploadLog">,
  to: NewKey,
  options: ReencryptOptions,
): Promise<CopySummary> {
  const { signal } = options;
  const work = await Reencryption.start(to, options);
  try {
    await using reader = await source.open(snapshot, { signal });
    return await work.copy(reader, target, options);
  } finally {
    await work.close();
  }
}

/** Encrypts one snapshot after the other anew; what they have in common is opened once, as far as memory reaches. */
export class Reencryption {
  readonly #from: CryptKey | undefined;
  readonly #to: CryptKey | undefined;
  readonly #mode: CryptMode;
  readonly #rsaKey: Bytes | undefined;
  readonly #codecs: Codecs;
  readonly #carrier: ChunkCarrier;
  readonly #known = new Map<string, Digest>();

  private constructor(
    to: NewKey,
    mode: CryptMode,
    options: Pick<ReencryptOptions, "key" | "native" | "threads">,
    codecs: Codecs,
  ) {
    const { key: from, native, threads } = options;
    this.#from = from;
    this.#to = to.key;
    this.#mode = mode;
    this.#rsaKey = to.rsaKey;
    this.#codecs = codecs;
    this.#carrier = new ChunkCarrier({
      from,
      to: mode === "encrypt" ? to.key : undefined,
      native,
      threads,
    });
  }

  /**
   * Starts.
   *
   * @param to The new key.
   * @param options The old one.
   * @throws {TypeError} If the new key and its mode do not fit.
   */
  static async start(
    to: NewKey,
    options: Pick<ReencryptOptions, "key" | "native" | "threads">,
  ): Promise<Reencryption> {
    const { key, mode = key === undefined ? "none" : "encrypt", rsaKey } = to;
    if ((mode === "none") !== (key === undefined)) {
      throw new TypeError(
        `Cannot encrypt anew: the mode is ${mode}, and there is ${
          key === undefined ? "no key, expected one" : "a key, expected none"
        }`,
      );
    }
    if (rsaKey !== undefined && key === undefined) {
      throw new TypeError(
        "Cannot encrypt anew: there is a locked key, but no key, expected both",
      );
    }
    const codecs = await openCodecs(options.native);
    return new Reencryption(to, mode, options, codecs);
  }

  /**
   * Copies a snapshot.
   *
   * @param reader The snapshot.
   * @param target Where it is copied to.
   * @param options Owner, namespace.
   * @returns What was carried.
   * @throws {KeyError} If it was made with another key than the old one, or with one and there is none.
   * @throws {IntegrityError} If anything of it is not what vouches for it says.
   */
  async copy(
    reader: SnapshotReader,
    target: Pick<Store, "create" | "uploadLog">,
    options: SnapshotCopyOptions,
  ): Promise<CopySummary> {
    const manifest = await reader.manifest({ signal: options.signal });
    verifyManifest(manifest, this.#from);
    const treatment: Treatment = {
      carrier: this.#carrier,
      keyed: true,
      staysAsIs: (file) => this.#staysAsIs(file),
      known: this.#known,
      blob: (file, blob) => {
        if (file.name === RSA_KEY_NAME) return undefined;
        return this.#staysAsIs(file) ? blob : this.#reseal(blob);
      },
      log: (blob) => this.#reseal(blob),
      more: (writer) => this.#lockedKey(writer),
      manifest: (files) => this.#manifest(manifest, files),
      cryptMode: () => this.#mode,
    };
    return await carrySnapshot(reader, manifest, target, treatment, options);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await this.#carrier.close();
  }

  /** Whether a file would come out as it is. */
  #staysAsIs({ cryptMode }: ManifestFile): boolean {
    const from = cryptMode === "encrypt" ? this.#from : undefined;
    const to = this.#mode === "encrypt" ? this.#to : undefined;
    if (from === undefined || to === undefined) return from === to;
    return sameBytes(from.key, to.key);
  }

  async #reseal(blob: Bytes): Promise<Bytes> {
    const codecs = this.#codecs;
    const data = await decodeBlob(blob, {
      codecs,
      key: this.#from,
      limit: MAX_BLOB,
    });
    const key = this.#mode === "encrypt" ? this.#to : undefined;
    return joinBlob(await sealBlob(data, { codecs, key }));
  }

  async #lockedKey(writer: SnapshotWriter): Promise<ManifestFile[]> {
    if (this.#rsaKey === undefined) return [];
    const codecs = this.#codecs, name = RSA_KEY_NAME;
    const blob = joinBlob(
      await sealBlob(this.#rsaKey, { codecs, compress: false }),
    );
    await writer.blob(name, blob);
    const csum = sha256Of(blob);
    return [{ name, cryptMode: this.#mode, size: blob.length, csum }];
  }

  /** What is not of files or keys stays, also what this version does not know. */
  #manifest(source: Manifest, files: readonly ManifestFile[]): Manifest {
    const made = makeManifest(source, files);
    const manifest = withVerifyState({
      ...made,
      signed: new Map([...source.signed, ...made.signed]),
      unprotected: source.unprotected,
    }, undefined);
    return this.#to === undefined
      ? withoutKeyFingerprint(manifest)
      : signManifest(manifest, this.#to);
  }
}
