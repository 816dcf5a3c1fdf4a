/**
 * The repository string: which store is meant, here or on which server.
 *
 * @module
 */
import { FormatError } from "@pxar/format/errors";
import {
  type AuthId,
  authIdText,
  parseAuthId,
  ROOT_USER,
} from "@pxar/store/auth_id";
import { isSafeId } from "@pxar/store/safe_id";
import { shown } from "@pxar/store/shown";

/** A store in a folder of this machine. */
export interface LocalRepository {
  /** Tells it from one on a server. */
  readonly kind: "path";
  /** The folder: absolute, or from the current one; as it was written, but for a URL. */
  readonly path: string;
}

/** A store on a server. */
export interface ServerRepository {
  /** Tells it from a folder. */
  readonly kind: "server";
  /** Who asks; `undefined` where it is not told: `root@pam`. */
  readonly authId: AuthId | undefined;
  /** Name or address, IPv6 in brackets; `undefined` where it is not told: `localhost`. */
  readonly host: string | undefined;
  /** 0 to 65535; `undefined` where it is not told: 8007. */
  readonly port: number | undefined;
  /** Name of the store there. */
  readonly store: string;
}

/** A store, here or on a server. */
export type Repository = LocalRepository | ServerRepository;

/** A store on a server, with all that was not told. */
export interface ServerAddress {
  /** Who asks. */
  readonly authId: AuthId;
  /** Name or address, IPv6 in brackets. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
  /** Name of the store there. */
  readonly store: string;
}

/** Where a server listens. */
export const DEFAULT_PORT = 8007;

/** The most characters of a repository on a server. */
const TEXT_LIMIT = 256;
const MAX_PORT = 0xffff;
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const PATH_START = /^(?:\/|\.{1,2}(?:\/|$))/;

/**
 * Reads a repository.
 *
 * | text                                              | what it means                                                            |
 * | :------------------------------------------------ | :----------------------------------------------------------------------- |
 * | `/srv/store`, `./store`, `../store`, `.`, `..`    | that folder                                                              |
 * | `file:///srv/store`                               | that folder; `%20` and the like stand for bytes                          |
 * | `[[USER@]HOST[:PORT]:]STORE`                      | that store on a server: `store`, `host:store`, `root@pam@[::1]:8007:store` |
 *
 * Source: protocol spec A.9.
 *
 * @param text One of these.
 * @returns What it means.
 * @throws {FormatError} If it is none of these.
 *
 * @example
 * ```ts
 * import { parseRepository } from "@pxar/pbs/repository";
 *
 * parseRepository("./store"); // { kind: "path", path: "./store" }
 * const server = parseRepository("backup@pbs!laptop@pbs.example.org:store");
 * server.kind === "server" && server.host; // "pbs.example.org"
 * ```
 */
export function parseRepository(text: string): Repository {
  if (PATH_START.test(text)) return local(text, text);
  if (/^file:/i.test(text)) return local(text, urlPath(text));
  if (text.length > TEXT_LIMIT) {
    refuse(
      text,
      `it has ${text.length} characters`,
      `${TEXT_LIMIT} at most`,
    );
  }
  const colon = text.lastIndexOf(":");
  const store = text.slice(colon + 1);
  if (!isSafeId(store)) refuse(text, `its store is ${shown(store)}`);
  if (colon < 0) {
    return {
      kind: "server",
      authId: undefined,
      host: undefined,
      port: undefined,
      store,
    };
  }
  const before = text.slice(0, colon);
  const at = before.lastIndexOf("@");
  const authId = at < 0 ? undefined : parseAuthId(before.slice(0, at));
  const { host, port } = parseHost(text, before.slice(at + 1));
  return { kind: "server", authId, host, port, store };
}

/**
 * A repository as text.
 *
 * Source: protocol spec A.9.
 *
 * @param repository The repository.
 * @returns Text that {@linkcode parseRepository} reads.
 */
export function formatRepository(repository: Repository): string {
  if (repository.kind === "path") {
    const { path } = repository;
    return PATH_START.test(path) ? path : `./${path}`;
  }
  const { authId, port, store } = repository;
  const { host } = serverAddress(repository);
  if (authId !== undefined) {
    return `${authIdText(authId)}@${host}:${port ?? DEFAULT_PORT}:${store}`;
  }
  if (port !== undefined) return `${host}:${port}:${store}`;
  return repository.host === undefined ? store : `${host}:${store}`;
}

/**
 * All that is needed to reach a store on a server.
 *
 * @param repository The store.
 * @returns The same, with `root@pam`, `localhost` and 8007 where nothing is told, and IPv6 in brackets.
 */
export function serverAddress(repository: ServerRepository): ServerAddress {
  const { authId, host = "localhost", port, store } = repository;
  return {
    authId: authId ?? ROOT_USER,
    host: host.includes(":") && !host.startsWith("[") ? `[${host}]` : host,
    port: port ?? DEFAULT_PORT,
    store,
  };
}

function parseHost(
  text: string,
  part: string,
): { host: string; port: number | undefined } {
  const found = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?$/.exec(part);
  if (found === null) refuse(text, `its host and port are ${shown(part)}`);
  const host = found[1]!;
  if (!(host.startsWith("[") ? isIpv6(host) : HOST_NAME.test(host))) {
    refuse(text, `its host is ${shown(host)}`);
  }
  const port = found[2] === undefined ? undefined : Number(found[2]);
  if (port !== undefined && port > MAX_PORT) {
    refuse(text, `its port is ${port}`, `0 to ${MAX_PORT}`);
  }
  return { host, port };
}

/** Whether a text is an address in brackets, without a zone. */
function isIpv6(host: string): boolean {
  return /^\[[0-9A-Fa-f:.]+\]$/.test(host) && URL.canParse(`http://${host}/`);
}

function local(text: string, path: string): LocalRepository {
  if (path.includes("\0")) refuse(text, "it has a NUL", "a path without");
  return { kind: "path", path };
}

/** The path of a file URL. Not by URL, which would resolve `..` before links are. */
function urlPath(text: string): string {
  const path = /^file:\/\/(?:localhost)?(\/[^?#]*)$/i.exec(text)?.[1];
  if (path === undefined) {
    refuse(text, "it is no URL of a folder here", "file:///PATH");
  }
  try {
    return decodeURIComponent(path);
  } catch {
    refuse(text, "it has a '%' that stands for no text", "file:///PATH");
  }
}

function refuse(
  text: string,
  what: string,
  expected =
    "[[USER@]HOST[:PORT]:]STORE on a server, or ./PATH, /PATH or file:///PATH here",
): never {
  throw new FormatError(
    `Cannot take repository ${shown(text)}: ${what}, expected ${expected}`,
  );
}
