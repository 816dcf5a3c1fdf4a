// Errors on their way from one thread to another: a structured clone would lose their class.
import {
  BusyError,
  FormatError,
  IntegrityError,
  KeyError,
  NotFoundError,
  PxarError,
  SystemError,
  TruncatedError,
  UnsupportedError,
} from "@pxar/format/errors";

/** An error as a message. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly offset?: number | undefined;
  readonly expected?: string | undefined;
  readonly actual?: string | undefined;
  readonly code?: string;
  readonly errno?: number;
  readonly call?: string;
  readonly path?: string | undefined;
}

/** What is sent of an error. */
export function errorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error) };
  }
  const { name, message } = error;
  if (error instanceof FormatError) {
    return { name, message, offset: error.offset };
  }
  if (error instanceof IntegrityError) {
    return { name, message, expected: error.expected, actual: error.actual };
  }
  if (error instanceof SystemError) {
    const { code, errno, call, path } = error;
    return { name, message, code, errno, call, path };
  }
  return { name, message };
}

/** The error that a message tells of. */
export function errorOf(said: ErrorMessage): Error {
  const { name, message, offset, expected, actual } = said;
  switch (name) {
    case "PxarError":
      return new PxarError(message);
    case "FormatError":
      return new FormatError(message, { offset });
    case "TruncatedError":
      return new TruncatedError(message, { offset });
    case "UnsupportedError":
      return new UnsupportedError(message, { offset });
    case "IntegrityError":
      return new IntegrityError(message, { expected, actual });
    case "NotFoundError":
      return new NotFoundError(message);
    case "KeyError":
      return new KeyError(message);
    case "BusyError":
      return new BusyError(message);
    case "SystemError": {
      const { code = "EIO", errno = 0, call = "", path } = said;
      return new SystemError(message, { code, errno, call, path });
    }
    case "RangeError":
      return new RangeError(message);
    case "TypeError":
      return new TypeError(message);
    default: {
      const error = new Error(message);
      error.name = name;
      return error;
    }
  }
}
