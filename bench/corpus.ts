/**
 * Trees to measure with: the same bytes under the same names each time.
 *
 * @module
 */

/** How large a tree is. */
export interface Corpus {
  /** Files in it. */
  readonly files: number;
  /** Bytes of content in all. */
  readonly bytes: number;
}

const WORDS = ("the archive item entry metadata payload goodbye table chunk " +
  "digest blob index catalog manifest snapshot group namespace datastore key " +
  "0123 4567 {} [] = ; () /usr/share /var/log error warning info").split(" ");

/** Numbers that look random and are the same each time (xorshift, 32 bits). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2654435761) | 1;
  }

  /** The next number, 0 to 2^32 - 1. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** A number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.next() % (high - low + 1);
  }

  /** Bytes no compressor can make smaller; a whole number of words is filled. */
  noise(into: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    for (let i = 0; i < into.length; i++) into[i] = this.next();
    return new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  }

  /** Bytes that a compressor makes a good deal smaller. */
  text(bytes: number): Uint8Array<ArrayBuffer> {
    const into = new Uint8Array(bytes);
    const encoder = new TextEncoder();
    for (let at = 0; at < bytes;) {
      const word = WORDS[this.next() % WORDS.length]!;
      const end = this.next() % 12 === 0 ? "\n" : " ";
      at += encoder.encodeInto(word + end, into.subarray(at)).written;
      if (at > bytes - 16) break;
    }
    return into;
  }
}

/**
 * Small files in directories: `low` to `high` bytes each.
 *
 * @param path A directory to be made.
 */
export function makeSmall(
  path: string,
  { files = 100_000, perDirectory = 500, low = 1024, high = 4096 } = {},
): Corpus {
  const dice = new Dice(1);
  const words = new Uint32Array(((high + 3) >> 2) + 256);
  let bytes = 0;
  let noise = dice.noise(words);
  Deno.mkdirSync(path);
  for (let i = 0; i < files; i++) {
    const directory = `${path}/d${Math.floor(i / perDirectory)}`;
    if (i % perDirectory === 0) {
      Deno.mkdirSync(directory);
      noise = dice.noise(words);
    }
    const from = dice.next() % 1024;
    const size = dice.between(low, high);
    Deno.writeFileSync(`${directory}/f${i}`, noise.subarray(from, from + size));
    bytes += size;
  }
  return { files, bytes };
}

/**
 * Files of 64 KiB to 32 MiB: noise, text, noise with zeros between, and holes.
 *
 * @param path A directory to be made.
 * @param total Bytes of content in all.
 */
export function makeMixed(path: string, total = 2 ** 31): Corpus {
  const dice = new Dice(2);
  const text = dice.text(1 << 20);
  const words = new Uint32Array(1 << 18);
  Deno.mkdirSync(path);
  let files = 0;
  let bytes = 0;
  for (; bytes < total; files++) {
    const directory = `${path}/d${files % 20}`;
    if (files < 20) Deno.mkdirSync(directory);
    const wanted = Math.round(65536 * 2 ** (dice.between(0, 9000) / 1000));
    const size = Math.min(wanted, total - bytes);
    const kind = files % 5;
    using file = Deno.createSync(`${directory}/f${files}`);
    for (let at = 0; at < size; at += 1 << 20) {
      const piece = kind === 1
        ? text
        : kind === 2 && (at >> 20) % 2 === 1
        ? new Uint8Array(1 << 20)
        : dice.noise(words);
      // Every other MiB of these is a hole, and so is what is left at the end.
      if (kind === 3 && (at >> 20) % 2 === 1) continue;
      file.seekSync(at, Deno.SeekMode.Start);
      writeAll(file, piece.subarray(0, Math.min(1 << 20, size - at)));
    }
    file.truncateSync(size);
    bytes += size;
  }
  return { files, bytes };
}

/**
 * One file of `size` bytes that is a hole but for some islands of 64 KiB.
 *
 * @param path A directory to be made.
 */
export function makeSparse(path: string, size: number, islands = 100): Corpus {
  const dice = new Dice(3);
  const words = new Uint32Array(1 << 14);
  Deno.mkdirSync(path);
  using file = Deno.createSync(`${path}/sparse`);
  const step = Math.floor(size / islands / 4096) * 4096;
  for (let i = 0; i < islands; i++) {
    file.seekSync(i * step + dice.next() % 4096, Deno.SeekMode.Start);
    writeAll(file, dice.noise(words));
  }
  file.truncateSync(size);
  return { files: 1, bytes: size };
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    at += file.writeSync(bytes.subarray(at));
  }
}
