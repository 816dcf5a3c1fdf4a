/**
 * What comes in order, kept so that it can be read from any place: in memory where it is little, else in a file without a name.
 *
 * @module
 */
import { bytesAccess, type RandomAccess } from "@pxar/codec/random_access";
import { type ByteInput, sourceOf } from "@pxar/codec/stream_reader";
import type { Bytes } from "@pxar/format/bytes";
import { EXIT, ExitError, reasonOf } from "./exits.ts";

/** Up to so many bytes stay in memory. */
const IN_MEMORY = 32 << 20;
/** How much is read at once, bytes. */
const PIECE = 1 << 20;

/**
 * Reads all there is.
 *
 * The file lies in TMPDIR, or else in /var/tmp; it loses its name at once, so that nothing is left of it however the program ends.
 *
 * @param input The bytes; closed at the end.
 * @param signal Ends reading.
 * @returns The same bytes; to be closed.
 * @throws {ExitError} If the file cannot be written.
 */
export async function spool(
  input: ByteInput,
  signal: AbortSignal,
): Promise<RandomAccess> {
  const source = sourceOf(input);
  try {
    const pieces: Bytes[] = [];
    let size = 0, file: TemporaryFile | undefined;
    try {
      for (;;) {
        const piece = new Uint8Array(PIECE);
        let filled = 0, got = 1;
        while (filled < PIECE && got > 0) {
          signal.throwIfAborted();
          got = await source.read(piece.subarray(filled));
          filled += got;
        }
        size += filled;
        if (file === undefined && size > IN_MEMORY) {
          file = new TemporaryFile();
          for (const held of pieces.splice(0)) file.write(held);
        }
        const part = piece.subarray(0, filled);
        if (file === undefined) pieces.push(part);
        else file.write(part);
        if (got === 0) break;
      }
    } catch (error) {
      file?.close();
      throw error;
    }
    if (file !== undefined) return file.access(size);
    const whole = new Uint8Array(size);
    pieces.forEach((piece, i) => whole.set(piece, i * PIECE));
    return bytesAccess(whole);
  } finally {
    await source.close?.();
  }
}

class TemporaryFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #named: boolean;

  constructor() {
    const dir = folder();
    try {
      this.#path = Deno.makeTempFileSync({
        prefix: "pxar-import-",
        ...(dir !== undefined && { dir }),
      });
      this.#file = Deno.openSync(this.#path, { read: true, write: true });
      this.#named = Deno.build.os === "windows";
      if (!this.#named) Deno.removeSync(this.#path);
    } catch (error) {
      throw cannotWrite(dir, error);
    }
  }

  write(bytes: Bytes): void {
    try {
      for (let at = 0; at < bytes.length;) {
        at += this.#file.writeSync(bytes.subarray(at));
      }
    } catch (error) {
      throw cannotWrite(folder(), error);
    }
  }

  access(size: number): RandomAccess {
    return {
      size,
      read: (offset, into) => {
        this.#file.seekSync(offset, Deno.SeekMode.Start);
        let filled = 0;
        while (filled < into.length) {
          const got = this.#file.readSync(into.subarray(filled));
          if (got === null) break;
          filled += got;
        }
        return filled;
      },
      close: () => this.close(),
    };
  }

  close(): void {
    this.#file.close();
    if (this.#named) Deno.removeSync(this.#path);
  }
}

/** `/tmp` may lie in memory; what is large belongs into `/var/tmp`. */
function folder(): string | undefined {
  const told = Deno.env.get("TMPDIR");
  if (told !== undefined && told !== "") return told;
  try {
    return Deno.statSync("/var/tmp").isDirectory ? "/var/tmp" : undefined;
  } catch {
    return undefined;
  }
}

function cannotWrite(dir: string | undefined, cause: unknown): ExitError {
  return new ExitError(
    EXIT.failed,
    `Cannot keep a copy of the tar archive in ${
      dir ?? "the folder for temporary files"
    }: ${
      reasonOf(cause)
    }, expected room there, TMPDIR elsewhere, or --in-order`,
    { cause },
  );
}
