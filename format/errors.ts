/**
 * The errors of every package: whatever bytes come in, only these come out.
 * A caller's own mistake is a `TypeError` or a `RangeError` instead.
 *
 * @module
 */

/** Where in the bytes an error was met, and what caused it. */
export interface FormatErrorOptions extends ErrorOptions {
  /** Offset of the offending byte, counted from the start of the stream. */
  offset?: number | undefined;
}

/** Base of every error these packages make for what they were given or met. */
export class PxarError extends Error {
  /** The class name, which survives minifying. */
  override readonly name: string = "PxarError";
}

/** The bytes do not follow the format: a wrong tag, length, order or name. */
export class FormatError extends PxarError {
  /** The class name, which survives minifying. */
  override readonly name: string = "FormatError";
  /** Offset of the offending byte, counted from the start of the stream. */
  readonly offset: number | undefined;

  /**
   * Makes an error; nothing is logged.
   *
   * @param message What could not be done, where, and what was expected.
   * @param options Where it was met, and what caused it.
   */
  constructor(message: string, options: FormatErrorOptions = {}) {
    super(message, options);
    this.offset = options.offset;
  }
}

/** The bytes stop before the record they belong to does. */
export class TruncatedError extends FormatError {
  /** The class name, which survives minifying. */
  override readonly name = "TruncatedError";
}

/** The bytes follow the format and use something that this version does not know. */
export class UnsupportedError extends FormatError {
  /** The class name, which survives minifying. */
  override readonly name = "UnsupportedError";
}

/** Bytes are not those that were vouched for: a CRC, digest, tag, checksum or signature differs. */
export class IntegrityError extends PxarError {
  /** The class name, which survives minifying. */
  override readonly name = "IntegrityError";
  /** What it should be, as text; `undefined` where that is not known, as for a tag. */
  readonly expected: string | undefined;
  /** What it is, as text; `undefined` where that is not known. */
  readonly actual: string | undefined;

  /**
   * Makes an error; nothing is logged.
   *
   * @param message What could not be done, and what differs.
   * @param options Both values.
   */
  constructor(
    message: string,
    options: ErrorOptions & {
      expected?: string | undefined;
      actual?: string | undefined;
    } = {},
  ) {
    super(message, options);
    this.expected = options.expected;
    this.actual = options.actual;
  }
}

/** A key is missing, or is not the one that is needed, or its passphrase is wrong. */
export class KeyError extends PxarError {
  /** The class name, which survives minifying. */
  override readonly name = "KeyError";
}

/** Somebody else is at work on it: a lock is held. */
export class BusyError extends PxarError {
  /** The class name, which survives minifying. */
  override readonly name = "BusyError";
}

/** What was asked for by name or position is not there. */
export class NotFoundError extends PxarError {
  /** The class name, which survives minifying. */
  override readonly name = "NotFoundError";
}

/** The operating system refused a call. */
export class SystemError extends PxarError {
  /** The class name, which survives minifying. */
  override readonly name = "SystemError";
  /** Error name as in `errno.h`, such as `ENOENT`. */
  readonly code: string;
  /** Error number of the running system; 0 where it gives none. */
  readonly errno: number;
  /** The call that failed, such as `openat`. */
  readonly call: string;
  /** What it was called on, shown lossily. */
  readonly path: string | undefined;

  /**
   * Makes an error; nothing is logged.
   *
   * @param message What could not be done, on what, and why.
   * @param options The call and its error number.
   */
  constructor(
    message: string,
    options: ErrorOptions & {
      code: string;
      errno: number;
      call: string;
      path?: string | undefined;
    },
  ) {
    super(message, options);
    this.code = options.code;
    this.errno = options.errno;
    this.call = options.call;
    this.path = options.path;
  }
}
