// Checks the chunks of a store, each once as far as memory reaches, and puts bad ones out of the way.
import { MAX_CHUNK } from "@pxar/chunk/cut_rules";
import { decodeBlob } from "@pxar/chunk/blob";
import type { ChunkRef } from "@pxar/chunk/chunk_index";
import { type Digest, hexOf } from "@pxar/chunk/digest";
import type { CryptKey } from "@pxar/chunk/key";
import { NO_BYTES } from "@pxar/format/bytes";
import { FormatError, IntegrityError, PxarError } from "@pxar/format/errors";
import type { ChunkCrew } from "./chunk_crew.ts";
import { checkBlob } from "./chunk_work.ts";
import type { Datastore } from "./datastore.ts";
import { DigestCache } from "./digest_cache.ts";

/** What a file's chunks must be. */
export interface ChunkDemand {
  /** Whether they must be encrypted. */
  readonly encrypted: boolean;
  /** Whether they must have been encrypted with the key at hand. */
  readonly keyed: boolean;
}

/** So many bad chunks are remembered. */
const MOST_BAD = 100_000;

/** Checks chunks. */
export class ChunkCheck {
  readonly #store: Datastore;
  readonly #crew: ChunkCrew | undefined;
  readonly #key: CryptKey | undefined;
  /** Good ones: plain, encrypted and only compared with their checksum, encrypted and decrypted. */
  readonly #good = [new DigestCache(), new DigestCache(), new DigestCache()];
  /** What is wrong with those that are bad, by digest. */
  readonly #bad = new Map<string, string>();
  /** Those that are being read. */
  readonly #flying = new Map<string, Promise<string | undefined>>();
  #chunks = 0;
  #bytes = 0;
  #setAside = 0;

  /**
   * Starts with nothing known.
   *
   * @param store Where the chunks are.
   * @param crew Threads that read them; `undefined` where the store is not on disk.
   * @param key What encrypted ones are decrypted with, also the crew's; without, only their checksums are compared.
   */
  constructor(
    store: Datastore,
    crew: ChunkCrew | undefined,
    key: CryptKey | undefined,
  ) {
    this.#store = store;
    this.#crew = crew;
    this.#key = key;
  }

  /** How many chunks have been read. */
  get chunks(): number {
    return this.#chunks;
  }

  /** Their length, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many have been put out of the way. */
  get setAside(): number {
    return this.#setAside;
  }

  /**
   * Checks a chunk.
   *
   * @param ref What an index says of it.
   * @param demand What it must be.
   * @returns What is wrong with it; `undefined` where nothing is.
   */
  async check(
    ref: ChunkRef,
    demand: ChunkDemand,
  ): Promise<string | undefined> {
    const { digest, start, end } = ref, length = end - start;
    const hex = hexOf(digest), { encrypted, keyed } = demand;
    if (length > MAX_CHUNK) {
      return `chunk ${hex} is to have ${length} bytes, expected ${MAX_CHUNK} at most`;
    }
    const known = this.#bad.get(hex);
    if (known !== undefined) return known;
    const mode = encrypted ? keyed ? 2 : 1 : 0, good = this.#good[mode]!;
    const mark = mode === 1 ? 0 : length;
    if (good.has(digest, mark)) return undefined;
    // Images are full of equal chunks, one after the other.
    const name = `${hex}:${length}:${mode}`, other = this.#flying.get(name);
    if (other !== undefined) return await other;
    const flight = this.#checkOnce(ref, demand);
    this.#flying.set(name, flight);
    try {
      const problem = await flight;
      if (problem === undefined) good.meet(digest, mark);
      return problem;
    } finally {
      this.#flying.delete(name);
    }
  }

  async #checkOnce(
    ref: ChunkRef,
    demand: ChunkDemand,
  ): Promise<string | undefined> {
    this.#chunks++;
    this.#bytes += ref.end - ref.start;
    try {
      if (await this.#read(ref, demand)) return undefined;
      return `chunk ${hexOf(ref.digest)} is ${
        demand.encrypted ? "plain" : "encrypted"
      }, expected the contrary, as its file is`;
    } catch (error) {
      if (!(error instanceof PxarError)) throw error;
      return await this.#found(ref, error, demand.keyed);
    }
  }

  /** Takes the bad chunk out of the way, unless the index is to blame. */
  async #found(
    { digest, start, end }: ChunkRef,
    error: PxarError,
    keyed: boolean,
  ): Promise<string> {
    const length = end - start;
    const hex = hexOf(digest), problem = `chunk ${hex}: ${error.message}`;
    const isDamage = error instanceof FormatError ||
      error instanceof IntegrityError;
    if (isDamage && await this.#isSound(digest, keyed)) {
      return `chunk ${hex} is sound, but does not have the ${length} bytes that the index says`;
    }
    // Somebody else may have had it at the same time.
    const known = this.#bad.get(hex);
    if (known !== undefined) return known;
    if (isDamage && this.#store.chunks.setAside(digest) !== undefined) {
      this.#setAside++;
    }
    if (this.#bad.size === MOST_BAD) {
      this.#bad.delete(this.#bad.keys().next().value!);
    }
    this.#bad.set(hex, problem);
    return problem;
  }

  /** Whether a chunk is what its digest says, so that only its length is not what an index says. */
  async #isSound(digest: Digest, keyed: boolean): Promise<boolean> {
    const { chunks, codecs } = this.#store;
    const key = keyed ? this.#key : undefined;
    try {
      await decodeBlob(chunks.get(digest), {
        codecs,
        key,
        digest,
        limit: MAX_CHUNK,
      });
      return true;
    } catch (error) {
      if (error instanceof PxarError) return false;
      throw error;
    }
  }

  async #read(
    { digest, start, end }: ChunkRef,
    { encrypted, keyed }: ChunkDemand,
  ): Promise<boolean> {
    const length = end - start;
    if (this.#crew !== undefined) {
      return await this.#crew.check(digest, length, encrypted, keyed);
    }
    const { chunks, codecs } = this.#store;
    const key = keyed ? this.#key : undefined;
    const into = encrypted && key === undefined
      ? NO_BYTES
      : new Uint8Array(length);
    return await checkBlob(chunks.get(digest), digest, {
      codecs,
      key,
      encrypted,
      into,
    });
  }
}
