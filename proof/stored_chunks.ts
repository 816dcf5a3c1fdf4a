/**
 * The chunks of a snapshot's files and those a store has, read from the folder by a few lines of their own.
 *
 * @module
 */

/** Digests, in hexadecimal, and lengths in bytes. */
export type Chunks = ReadonlyMap<string, number>;

/**
 * What a dynamic index lists: behind 4096 bytes of header, for each chunk, where it ends (u64, little-endian) and its digest (32 bytes).
 *
 * @param path A `.didx` file.
 */
export function chunksOf(path: string): Chunks {
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  const chunks = new Map<string, number>();
  for (let at = 4096, start = 0; at < bytes.length; at += 40) {
    const end = Number(view.getBigUint64(at, true));
    chunks.set(bytes.subarray(at + 8, at + 40).toHex(), end - start);
    start = end;
  }
  return chunks;
}

/** Digests of all chunks in a store. */
export function storedChunks(store: string): ReadonlySet<string> {
  const digests = new Set<string>();
  for (const { name } of Deno.readDirSync(`${store}/.chunks`)) {
    const folder = `${store}/.chunks/${name}`;
    if (!/^[0-9a-f]{4}$/.test(name)) continue;
    for (const file of Deno.readDirSync(folder)) {
      if (/^[0-9a-f]{64}$/.test(file.name)) digests.add(file.name);
    }
  }
  return digests;
}
