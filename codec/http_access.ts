/**
 * Bytes behind an HTTP URL, read by ranges.
 *
 * @module
 */
import type { Bytes } from "@pxar/format/bytes";
import {
  FormatError,
  NotFoundError,
  PxarError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";
import type { RandomAccess } from "./random_access.ts";

/** How {@linkcode httpAccess} asks. */
export interface HttpAccessOptions {
  /** What sends the requests; the global `fetch` unless told. */
  readonly fetch?:
    | ((url: string, init: RequestInit) => Promise<Response>)
    | undefined;
  /** Sent along with each request, such as an authorization. */
  readonly headers?: HeadersInit | undefined;
  /** Ends the requests that are under way, and refuses more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Bytes behind an HTTP URL. One request is sent at once, to learn the length; each read is one more, so that a
 * cache of blocks of 64 KiB or so belongs in front (`Accessor` has one).
 *
 * What is there must not change meanwhile: that is an error, noticed by ETag, time and length.
 *
 * @param url Where the bytes are.
 * @param options How to ask.
 * @returns Access whose reads always wait.
 * @throws {NotFoundError} If nothing is there.
 * @throws {UnsupportedError} If the server cannot send ranges.
 * @throws {TruncatedError} If an answer is shorter than it said.
 * @throws {FormatError} If an answer is not the range that was asked for, or what is there has changed.
 * @throws {PxarError} If the server cannot be reached or refuses.
 */
export async function httpAccess(
  url: string | URL,
  options: HttpAccessOptions = {},
): Promise<RandomAccess> {
  const access = new HttpAccess(String(url), options);
  await access.open();
  return access;
}

class HttpAccess implements RandomAccess {
  readonly close: undefined = undefined;
  readonly #url: string;
  readonly #options: HttpAccessOptions;
  #size = 0;
  #tag: string | null = null;
  #modified: string | null = null;

  constructor(url: string, options: HttpAccessOptions) {
    this.#url = url;
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  async open(): Promise<void> {
    const response = await this.#ask(0, 1);
    await response.body?.cancel();
    if (response.status === 416) {
      // Of no bytes there is no first one; a server that says so knows ranges.
      if (/^bytes \*\/0$/.test(response.headers.get("content-range") ?? "")) {
        return;
      }
      throw this.#refusal(response);
    }
    this.#size = this.#range(response, 0, 1);
    this.#tag = response.headers.get("etag");
    this.#modified = response.headers.get("last-modified");
  }

  async read(offset: number, into: Bytes): Promise<number> {
    const count = Math.min(into.length, Math.max(0, this.#size - offset));
    if (count === 0) return 0;
    const response = await this.#ask(offset, count);
    const reader = response.body?.getReader();
    try {
      const size = this.#range(response, offset, count);
      this.#same(response, size);
      await this.#fill(reader, offset, into.subarray(0, count));
    } finally {
      // After an error, what is left of the answer is of no use and may be without end.
      await reader?.cancel().catch(() => {});
    }
    return count;
  }

  async #ask(offset: number, count: number): Promise<Response> {
    const { fetch = globalThis.fetch, signal } = this.#options;
    const headers = new Headers(this.#options.headers);
    headers.set("range", `bytes=${offset}-${offset + count - 1}`);
    headers.set("accept-encoding", "identity");
    // A weak tag is no reason for a server to send the range, the answer's tag is compared in any case.
    if (this.#tag !== null && !this.#tag.startsWith("W/")) {
      headers.set("if-range", this.#tag);
    }
    try {
      return await fetch(this.#url, { headers, signal: signal ?? null });
    } catch (error) {
      signal?.throwIfAborted();
      throw new PxarError(`Cannot reach ${this.#url}: ${message(error)}`, {
        cause: error,
      });
    }
  }

  /** Checks that an answer is the range asked for; gives the length of the whole. */
  #range(response: Response, offset: number, count: number): number {
    if (response.status === 200 && this.#size > 0) {
      throw this.#changed("it is sent whole");
    }
    if (response.status !== 206) throw this.#refusal(response);
    const encoding = response.headers.get("content-encoding") ?? "identity";
    if (encoding !== "identity") {
      throw new UnsupportedError(
        `Cannot read ${this.#url}: the range is sent in the encoding ${encoding}, expected plain bytes`,
      );
    }
    const range = response.headers.get("content-range") ?? "nothing";
    const [, from, to, size] =
      /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16})$/.exec(range) ?? [];
    if (Number(from) !== offset || Number(to) !== offset + count - 1) {
      throw new FormatError(
        `Cannot read ${this.#url} at byte ${offset}: the server sends ${range}, expected bytes ${offset}-${
          offset + count - 1
        } of a known length`,
        { offset },
      );
    }
    return Number(size);
  }

  #same(response: Response, size: number): void {
    const tag = response.headers.get("etag"),
      modified = response.headers.get("last-modified");
    if (size !== this.#size) {
      throw this.#changed(`it has ${size} bytes, expected ${this.#size}`);
    }
    if (tag !== this.#tag) {
      throw this.#changed(`its tag is ${tag}, expected ${this.#tag}`);
    }
    if (modified !== this.#modified) {
      throw this.#changed(`it is of ${modified}, expected ${this.#modified}`);
    }
  }

  async #fill(
    reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
    offset: number,
    into: Bytes,
  ): Promise<void> {
    let filled = 0;
    try {
      while (reader !== undefined) {
        const { done, value } = await reader.read();
        if (done) break;
        if (value.length > into.length - filled) {
          throw new FormatError(
            `Cannot read ${this.#url} at byte ${offset}: the answer goes on behind its ${into.length} bytes, expected its end`,
            { offset: offset + into.length },
          );
        }
        into.set(value, filled);
        filled += value.length;
      }
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (error instanceof PxarError) throw error;
      throw this.#short(offset, filled, into.length, error);
    }
    if (filled < into.length) {
      throw this.#short(offset, filled, into.length, undefined);
    }
  }

  #short(
    offset: number,
    filled: number,
    length: number,
    cause: unknown,
  ): TruncatedError {
    return new TruncatedError(
      `Cannot read ${this.#url} at byte ${offset}: the answer has ${filled} bytes, expected ${length}`,
      { offset: offset + filled, cause },
    );
  }

  #changed(how: string): FormatError {
    return new FormatError(`Cannot read ${this.#url}: it has changed, ${how}`);
  }

  #refusal(response: Response): PxarError {
    const { status } = response;
    if (status === 404 || status === 410) {
      return new NotFoundError(
        `Cannot read ${this.#url}: nothing is there (HTTP status ${status})`,
      );
    }
    if (status === 200) {
      return new UnsupportedError(
        `Cannot read ${this.#url}: the server sends it whole, expected one that knows ranges`,
      );
    }
    return new PxarError(
      `Cannot read ${this.#url}: HTTP status is ${status}, expected 206`,
    );
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
